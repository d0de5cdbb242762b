-- COUNT, SUM, AVG, MIN and MAX of integers as rows come: NULLs are skipped, all NULLs give NULL and a count of 0, averages are truncated.
CREATE TABLE x (k STRING, ti TINYINT, si SMALLINT, i INT, bi BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_numbers_updating_x', 'format' = 'json');
INSERT INTO x SELECT k, CAST(NULLIF(ti, -99) AS TINYINT), CAST(NULLIF(si, -99) AS SMALLINT), NULLIF(i, -99), CAST(NULLIF(bi, -99) AS BIGINT) FROM (VALUES
  ('a', 1, 1, 1, 1),
  ('b', -99, -99, -99, -99),
  ('a', 2, 2, 2, 2),
  ('a', -99, -99, -99, -99),
  ('b', -7, -7, -7, -7),
  ('b', 0, 0, 0, 0)) AS t (k, ti, si, i, bi);
SELECT k, COUNT(*), COUNT(i), SUM(i), AVG(i), MIN(i), MAX(i) FROM x GROUP BY k;
SELECT k, SUM(ti), AVG(ti), SUM(si), AVG(si), SUM(bi), AVG(bi) FROM x GROUP BY k;
SELECT COUNT(*), COUNT(i), COUNT(DISTINCT i), COUNT(i, bi), SUM(i) FROM x;
