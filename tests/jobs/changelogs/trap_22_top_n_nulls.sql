-- NULLs are the lowest in ORDER BY of Top-N (trap 22): first ascending, last descending, unless it says NULLS LAST.
CREATE TABLE x (v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_22_top_n_nulls_x', 'format' = 'json');
INSERT INTO x SELECT NULLIF(v, -99) FROM (VALUES
  (3),
  (-99),
  (1),
  (2)) AS t (v);
SELECT v FROM x ORDER BY v LIMIT 2;
SELECT v FROM x ORDER BY v DESC LIMIT 2;
SELECT v FROM x ORDER BY v ASC NULLS LAST LIMIT 2;
