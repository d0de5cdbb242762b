-- DISTINCT aggregates as rows come: an old value changes nothing and emits nothing, NULLs do not count.
CREATE TABLE x (k STRING, v INT, s STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_distinct_x', 'format' = 'json');
INSERT INTO x SELECT k, NULLIF(v, -99), NULLIF(s, 'none') FROM (VALUES
  ('a', 1, 'x'),
  ('a', 1, 'y'),
  ('a', 2, 'x'),
  ('a', -99, 'none'),
  ('b', 5, 'z'),
  ('a', 2, 'y')) AS t (k, v, s);
SELECT k, COUNT(DISTINCT v) FROM x GROUP BY k;
SELECT k, SUM(DISTINCT v), AVG(DISTINCT v), MAX(DISTINCT v), COUNT(DISTINCT s), COUNT(*) FROM x GROUP BY k;
SELECT COUNT(DISTINCT k), COUNT(DISTINCT (v, s)) FROM x;
SELECT COUNT(DISTINCT v, s) FROM x;
SELECT LISTAGG(DISTINCT s), ARRAY_AGG(DISTINCT v) FROM x;
