-- The order of the branches is not defined: compared sorted. UNION without ALL is an aggregate over both.
SELECT v FROM (VALUES (1), (2), (2)) AS t (v) UNION SELECT v FROM (VALUES (3), (2)) AS u (v);
SELECT v FROM (VALUES (1), (1)) AS t (v) UNION SELECT CAST(NULL AS INT) FROM (VALUES (3), (2)) AS u (v);
