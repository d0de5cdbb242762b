SHOW CATALOGS;
SHOW TABLES;
SELECT a, COUNT(*) AS n FROM (VALUES ('x'), ('y'), ('x')) AS t(a) GROUP BY a;
SELECT 1 AS id, 'say "hi", you' AS words, CAST(NULL AS STRING) AS nothing, '' AS blank,
  TIMESTAMP '2021-10-11 12:00:30.5' AS at_time, CAST(TO_TIMESTAMP_LTZ(0, 3) AS TIMESTAMP_LTZ(3)) AS instant,
  CAST(0.00000002 AS DECIMAL(10, 8)) AS small, DATE '2021-10-11' AS day_, TRUE AS yes,
  ARRAY[1, 2] AS numbers, MAP['k', 1.5] AS pairs, ROW(1, 'a') AS nested;
SELECT a FROM (VALUES ('x')) AS t(a) WHERE a = 'z';
SET 'execution.runtime-mode' = 'batch';
SELECT a, COUNT(*) AS n FROM (VALUES ('x'), ('y'), ('x')) AS t(a) GROUP BY a ORDER BY a;
SELECT a FROM (VALUES ('x')) AS t(a) WHERE a = 'z';
