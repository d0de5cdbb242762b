-- FIRST_VALUE, LAST_VALUE and LISTAGG follow the order of arrival and skip NULLs (trap 19); separators; an empty text is a value.
CREATE TABLE x (k STRING, s STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_19_first_last_listagg_x', 'format' = 'json');
INSERT INTO x SELECT k, NULLIF(s, 'none'), NULLIF(v, -99) FROM (VALUES
  ('a', 'none', -99),
  ('a', 'p', 1),
  ('b', 'q', 2),
  ('a', '', 0),
  ('a', 'none', -99),
  ('a', 'p', 3)) AS t (k, s, v);
SELECT k, FIRST_VALUE(s), LAST_VALUE(s), FIRST_VALUE(v), LAST_VALUE(v) FROM x GROUP BY k;
SELECT k, LISTAGG(s), LISTAGG(s, ' | '), LISTAGG(DISTINCT s), LISTAGG(DISTINCT s, ';') FROM x GROUP BY k;
SELECT LISTAGG(CAST(v AS STRING), '') FROM x;
SELECT LISTAGG(v) FROM x;
SELECT LISTAGG(s, k) FROM x;
