SELECT UPPER(s), CHAR_LENGTH(s), s || 'x', s LIKE '%', s = s, s IS NULL, COALESCE(s, 'none'), CASE WHEN s = 'a' THEN 1 ELSE 0 END FROM (VALUES (CAST(NULL AS STRING)), ('a')) AS t (s);
SELECT n + 1, n * 0, ABS(n), n BETWEEN 1 AND 5, n IN (1, NULL), GREATEST(n, 2) FROM (VALUES (CAST(NULL AS INT)), (1), (9)) AS t (n);
