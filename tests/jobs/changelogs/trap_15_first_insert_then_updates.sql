-- A group's first row is +I, then -U and +U; a row that leaves the result as it was emits nothing (trap 15).
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_15_first_insert_then_updates_x', 'format' = 'json');
INSERT INTO x SELECT k, NULLIF(v, -99) FROM (VALUES
  ('a', 3),
  ('a', 1),
  ('b', 5),
  ('a', 7),
  ('b', -99),
  ('b', 5),
  ('a', 7)) AS t (k, v);
SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
SELECT k, MAX(v), MIN(v) FROM x GROUP BY k;
SELECT k, COUNT(*) FROM x GROUP BY k;
SELECT MAX(v) FROM x GROUP BY k;
SELECT k FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k);
SELECT k, n > 1 FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k);
