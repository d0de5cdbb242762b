-- The order between the branches is not defined: compared sorted.
SELECT id, name FROM (VALUES (1, 'a'), (2, 'b')) AS t (id, name) UNION ALL SELECT id, name FROM (VALUES (3, 'ccc'), (1, 'a')) AS u (id, name);
SELECT CAST(1 AS BIGINT) AS n UNION ALL SELECT 2 UNION ALL SELECT CAST(NULL AS INT);
SELECT 1 AS n UNION ALL SELECT 2.5;
