-- GROUP BY puts NULLs together, in one column and in several (trap 21); NULL is no value to COUNT(DISTINCT).
CREATE TABLE x (a STRING, b INT, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_21_null_keys_x', 'format' = 'json');
INSERT INTO x SELECT NULLIF(a, 'none'), NULLIF(b, -99), v FROM (VALUES
  ('none', 1, 1),
  ('', 1, 2),
  ('none', -99, 4),
  ('none', 1, 8),
  ('none', -99, 16),
  ('NULL', 1, 32)) AS t (a, b, v);
SELECT a, SUM(v) FROM x GROUP BY a;
SELECT a, b, SUM(v) FROM x GROUP BY a, b;
SELECT b, COUNT(a), COUNT(DISTINCT a), COUNT(DISTINCT b) FROM x GROUP BY b;
