-- Branches take one common type; the first that is not NULL wins.
SELECT id, CASE WHEN v > 20 THEN 'high' WHEN v > 5 THEN 'low' ELSE 'none' END FROM (VALUES (1, 10), (2, CAST(NULL AS INT)), (3, 30)) AS t (id, v);
SELECT id, CASE v WHEN 10 THEN 1 WHEN 30 THEN 2.5 END FROM (VALUES (1, 10), (2, 20), (3, 30)) AS t (id, v);
SELECT id, COALESCE(v, id * 100), IFNULL(v, 0), NULLIF(v, 10) FROM (VALUES (1, 10), (2, CAST(NULL AS INT))) AS t (id, v);
