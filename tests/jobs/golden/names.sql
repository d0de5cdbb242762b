-- Columns without a name are EXPR$0, EXPR$1; case matters; back-ticks hold anything.
SELECT n.EXPR$0, n.EXPR$1 FROM (SELECT 1 + 1, 'x' || 'y') AS n;
SELECT Usage, `usage`, `select` FROM (VALUES (1, 2, 3)) AS t (Usage, `usage`, `select`);
SELECT t.* FROM (SELECT a AS b, b AS a FROM (VALUES (1, 2)) AS t (a, b)) AS t;
-- TOP is a name like any other.
SELECT top FROM (VALUES (1)) AS t (top);
SELECT DISTINCT_, top AS top FROM (VALUES (1, 2)) AS t (DISTINCT_, top);
