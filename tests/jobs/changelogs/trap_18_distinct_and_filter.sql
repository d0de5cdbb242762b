-- DISTINCT with FILTER keeps a count per filter (trap 18); a condition that is NULL is not true.
CREATE TABLE x (v INT, ok BOOLEAN, s STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_18_distinct_and_filter_x', 'format' = 'json');
INSERT INTO x SELECT v, CAST(NULLIF(ok, 'none') AS BOOLEAN), s FROM (VALUES
  (1, 'false', 'a'),
  (1, 'true', 'b'),
  (1, 'true', 'c'),
  (2, 'none', 'd'),
  (2, 'false', 'e'),
  (3, 'true', 'f')) AS t (v, ok, s);
SELECT COUNT(DISTINCT v), COUNT(DISTINCT v) FILTER (WHERE ok), COUNT(DISTINCT v) FILTER (WHERE NOT ok), COUNT(v) FILTER (WHERE ok), COUNT(*) FILTER (WHERE s > 'b') FROM x;
SELECT SUM(v) FILTER (WHERE ok), SUM(DISTINCT v) FILTER (WHERE ok), AVG(v) FILTER (WHERE v > 1), MAX(s) FILTER (WHERE v < 3), LISTAGG(s) FILTER (WHERE ok) FROM x;
SELECT ok, COUNT(*) FILTER (WHERE v > 1), MIN(v) FILTER (WHERE v > 100) FROM x GROUP BY ok;
