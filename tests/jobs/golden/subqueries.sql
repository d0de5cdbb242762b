SELECT x.id + 1 AS next_id FROM (SELECT id FROM (VALUES (1), (2), (3)) AS t (id) WHERE id <> 2) AS x WHERE x.id < 3;
SELECT a, a + b AS c FROM (SELECT id AS a, id * 10 AS b FROM (VALUES (1), (2)) AS t (id)) AS s WHERE a + b > 11;
