-- SELECT DISTINCT while streaming: every new row once, NULLs too; nothing for the others; over changes rows go, too.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/select_distinct_x', 'format' = 'json');
INSERT INTO x SELECT NULLIF(k, 'none'), NULLIF(v, -99) FROM (VALUES
  ('a', 1),
  ('a', 1),
  ('none', 1),
  ('a', 2),
  ('none', 1),
  ('b', -99),
  ('b', -99)) AS t (k, v);
SELECT DISTINCT k FROM x;
SELECT DISTINCT k, v FROM x;
SELECT DISTINCT v + 1, k IS NULL FROM x;
SELECT DISTINCT n FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k);
SELECT k FROM x GROUP BY k;
