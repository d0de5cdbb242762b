-- Top-N with its rank tells of every rank that moves, without it of rows that enter and leave (trap 36).
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_36_top_n_changes_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('a', 3), ('a', 2), ('a', 2), ('b', 9), ('a', 5);
SELECT k, v, rn FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM x) WHERE rn <= 2;
SELECT k, v FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM x) WHERE rn <= 2;
SELECT k, n FROM (SELECT k, n, ROW_NUMBER() OVER (ORDER BY n DESC) AS rn FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k)) WHERE rn <= 1;
