-- Rows without a table, and the names and types of their columns.
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (id, name);
SELECT 1, 'x', CAST(NULL AS INT);
SELECT * FROM (VALUES (1, 2.5, 'x'), (2, 3.25, 'longer')) AS t (a, b, c);
