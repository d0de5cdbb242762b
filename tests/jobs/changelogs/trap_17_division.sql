-- Division by zero fails the job for integers and decimals, and gives Infinity or NaN for DOUBLE (trap 17); in aggregates, after them, and in HAVING.
CREATE TABLE x (k STRING, i INT, dc DECIMAL(4, 1), d DOUBLE) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_17_division_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1, 1.5, 1.5), ('b', 0, 0.0, 0), ('a', 3, 2.5, 2.5);
SELECT k, SUM(6 / i) FROM x GROUP BY k;
SELECT k, SUM(1 / dc) FROM x GROUP BY k;
SELECT k, SUM(1 / d), 5 / SUM(d), SUM(d) / SUM(d) FROM x GROUP BY k;
SELECT k, 10 / SUM(i) FROM x GROUP BY k;
SELECT k, COUNT(*) FROM x GROUP BY k HAVING 10 / SUM(i) > 2;
SELECT k, COUNT(*) / COUNT(i), SUM(i) / 2 FROM x GROUP BY k;
