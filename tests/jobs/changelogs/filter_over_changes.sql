-- A filter over changes lets each half of an update through on its own: what is told when rows enter, stay and leave; with a projection that drops the key; and a count over it.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/filter_over_changes_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('a', 5), ('a', 1), ('b', 9), ('a', -6), ('a', 20);
CREATE VIEW sums AS SELECT k, SUM(v) AS s FROM x GROUP BY k;
SELECT * FROM sums WHERE s > 5;
SELECT * FROM sums WHERE k = 'a' AND s < 7;
SELECT s FROM sums WHERE s > 5;
SELECT COUNT(*), SUM(s) FROM sums WHERE s > 5;
SELECT COUNT(*) FROM (SELECT k, SUM(v) AS s FROM x GROUP BY k HAVING SUM(v) > 5);
