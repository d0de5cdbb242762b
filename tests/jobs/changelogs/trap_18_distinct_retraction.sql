-- COUNT(DISTINCT), MIN and MAX over changes keep every value (trap 18): values come back when the larger one is taken away.
CREATE TABLE x (id INT, k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_18_distinct_retraction_x', 'format' = 'json');
INSERT INTO x SELECT id, k, NULLIF(v, -99) FROM (VALUES
  (1, 'a', 5),
  (2, 'a', 5),
  (3, 'a', 9),
  (3, 'a', 1),
  (1, 'a', 7),
  (2, 'b', 2),
  (3, 'a', -99)) AS t (id, k, v);
CREATE VIEW lasts AS SELECT id, LAST_VALUE(k) AS k, MAX(v) AS m, COUNT(*) AS n, LAST_VALUE(v) AS v FROM x GROUP BY id;
SELECT * FROM lasts;
SELECT COUNT(DISTINCT v), COUNT(v), SUM(v), AVG(v), MIN(v), MAX(v) FROM lasts;
SELECT k, COUNT(*), SUM(DISTINCT v), MAX(v) FILTER (WHERE n = 1) FROM lasts GROUP BY k;
