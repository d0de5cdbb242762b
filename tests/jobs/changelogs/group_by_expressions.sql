-- GROUP BY by expressions, constants, names of SELECT (which are no keys to Flink), ordinals; columns that are not grouped.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/group_by_expressions_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('A', 2), ('b', 11);
SELECT UPPER(k), SUM(v) FROM x GROUP BY UPPER(k);
SELECT UPPER(k) || '!', SUM(v) FROM x GROUP BY UPPER(k);
SELECT v / 10, COUNT(*) FROM x GROUP BY v / 10;
SELECT CASE WHEN v > 10 THEN 'big' END AS size, COUNT(*) FROM x GROUP BY CASE WHEN v > 10 THEN 'big' END;
SELECT 'all', COUNT(*) FROM x GROUP BY 'all';
SELECT COUNT(*) FROM x GROUP BY ();
SELECT k, COUNT(*) FROM x GROUP BY 1;
SELECT UPPER(k) AS u, COUNT(*) FROM x GROUP BY u;
SELECT UPPER(k) AS k, COUNT(*) FROM x GROUP BY k;
SELECT k, v, COUNT(*) FROM x GROUP BY k;
SELECT k, SUM(SUM(v)) FROM x GROUP BY k;
SELECT k, COUNT(*) FROM x WHERE COUNT(*) > 1 GROUP BY k;
SELECT *, COUNT(*) FROM x GROUP BY k, v;
SELECT k, nothing(v) FROM x GROUP BY k;
SELECT SUM(v, v) FROM x;
