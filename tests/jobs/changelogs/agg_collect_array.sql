-- COLLECT makes a multiset without NULLs, ARRAY_AGG an array that keeps them; DISTINCT; FILTER; of nothing.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_collect_array_x', 'format' = 'json');
INSERT INTO x SELECT k, NULLIF(v, -99) FROM (VALUES
  ('a', 1),
  ('a', 1),
  ('a', -99),
  ('b', -99),
  ('a', 2)) AS t (k, v);
SELECT k, COLLECT(v) FROM x GROUP BY k;
SELECT k, ARRAY_AGG(v) FROM x GROUP BY k;
SELECT k, ARRAY_AGG(DISTINCT v) FROM x GROUP BY k;
SELECT k, ARRAY_AGG(v) FILTER (WHERE v > 1), COLLECT(DISTINCT v) FROM x GROUP BY k;
SELECT k, CARDINALITY(COLLECT(v)) FROM x GROUP BY k;
SELECT k, CARDINALITY(ARRAY_AGG(v)) FROM x GROUP BY k;
SELECT ARRAY_AGG(v ORDER BY v) FROM x;
SELECT ARRAY_AGG(k), TYPEOF(ARRAY_AGG(v)), TYPEOF(COLLECT(v)) FROM x;
