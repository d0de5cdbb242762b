-- An aggregate over an aggregate: how many groups have which count; the maximum of counts that go up; the sum of maxima.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/counts_of_counts_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('b', 2), ('a', 5), ('c', 1), ('b', 1), ('a', 2);
SELECT n, COUNT(*) FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k) GROUP BY n;
SELECT MAX(n), MIN(n), SUM(n), COUNT(*), AVG(n) FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k);
SELECT SUM(m), COUNT(DISTINCT m) FROM (SELECT k, MAX(v) AS m FROM x GROUP BY k);
