-- NULL is neither true nor false, and a filter keeps only what is true.
SELECT * FROM (VALUES (1, 10), (2, CAST(NULL AS INT)), (3, 30)) AS t (id, v) WHERE v > 5;
SELECT * FROM (VALUES (1, 10), (2, CAST(NULL AS INT)), (3, 30)) AS t (id, v) WHERE NOT (v > 20);
SELECT * FROM (VALUES (1, 10), (2, CAST(NULL AS INT)), (3, 30)) AS t (id, v) WHERE v IS NULL OR v = 30;
SELECT id FROM (VALUES (1, 10), (2, CAST(NULL AS INT)), (3, 30)) AS t (id, v) WHERE v IN (10, 20);
SELECT id FROM (VALUES (1, 10), (2, CAST(NULL AS INT)), (3, 30)) AS t (id, v) WHERE v IS NOT DISTINCT FROM CAST(NULL AS INT);
SELECT id, v > 5, v = 10 AND id = 1, v > 5 OR id = 2, (v > 5) IS UNKNOWN FROM (VALUES (1, 10), (2, CAST(NULL AS INT))) AS t (id, v);
