-- The order of the branches is not defined: compared sorted. UNION ALL of changes and of rows.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/union_all_of_changes_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('b', 2), ('a', 3);
SELECT k, n FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k) UNION ALL SELECT UPPER(k), CAST(v AS BIGINT) FROM x;
