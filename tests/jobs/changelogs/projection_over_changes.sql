-- Projections over changes: both halves of an update are told of even where the projected rows are the same.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/projection_over_changes_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('a', 2), ('b', 30), ('a', 4);
CREATE VIEW sums AS SELECT k, SUM(v) AS s, COUNT(*) AS n FROM x GROUP BY k;
SELECT k FROM sums;
SELECT UPPER(k), s * 10 FROM sums;
SELECT k, CASE WHEN s > 3 THEN 'much' ELSE 'little' END FROM sums;
SELECT k, s FROM sums UNION ALL SELECT 'x', v FROM x WHERE v > 100;
