-- SUM, AVG, MIN and MAX of DOUBLE and FLOAT, with NaN and infinities made by division; a FLOAT sums as FLOAT.
CREATE TABLE x (k STRING, d DOUBLE, z DOUBLE, f FLOAT) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_doubles_x', 'format' = 'json');
INSERT INTO x SELECT k, d, z, CAST(f AS FLOAT) FROM (VALUES
  ('a', 0.1, 1, 0.1),
  ('a', 0.2, 1, 0.2),
  ('a', 0.3, 1, 16777216),
  ('i', 1, 0, 1),
  ('i', 2, 1, 1),
  ('i', -1, 0, 1),
  ('n', 0, 0, 1),
  ('n', 5, 1, 1)) AS t (k, d, z, f);
SELECT k, SUM(d / z), AVG(d / z), MIN(d / z), MAX(d / z) FROM x GROUP BY k;
SELECT SUM(f), AVG(f), MIN(f), MAX(f), SUM(CAST(f AS DOUBLE)) FROM x WHERE k = 'a';
SELECT d / z AS q, COUNT(*) FROM x GROUP BY d / z;
