-- Expressions around and inside of aggregates: arithmetic, CASE, COALESCE, the same aggregate twice, an aggregate that is not selected, an alias with the name of a column.
CREATE TABLE x (k STRING, v INT, w DOUBLE) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_over_expressions_x', 'format' = 'json');
INSERT INTO x SELECT k, NULLIF(v, -99), CAST(NULLIF(w, -99) AS DOUBLE) FROM (VALUES
  ('a', 1, 0.5),
  ('a', -99, 1.5),
  ('b', 3, -99),
  ('a', 7, 2.5)) AS t (k, v, w);
SELECT k, SUM(v) * 2 + COUNT(*), COALESCE(SUM(v), 0), SUM(COALESCE(v, 0)), SUM(v) AS v FROM x GROUP BY k;
SELECT k, SUM(CASE WHEN v > 2 THEN 1 ELSE 0 END), MAX(v) - MIN(v), ROUND(AVG(w), 1), CAST(AVG(w) AS DECIMAL(4, 2)) FROM x GROUP BY k;
SELECT SUM(v) / COUNT(v), AVG(v), SUM(w) / COUNT(*), SUM(v * w), SUM(v) + AVG(w) FROM x;
SELECT AVG(w) AS w, MAX(w) AS k FROM x GROUP BY k;
