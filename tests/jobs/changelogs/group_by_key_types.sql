-- The order of rows of VALUES is not defined where they are no literals: compared sorted. Keys of every kind: texts that differ in blanks, decimals, dates, times, instants, booleans, bytes, arrays, rows, maps (which differ by the order of their entries).
SELECT k, COUNT(*) FROM (VALUES ('a'), ('a '), ('a')) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (1.0), (1.00), (CAST(1 AS DECIMAL(5, 2)))) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (DATE '2024-05-01'), (DATE '2024-05-01')) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (TIMESTAMP '2024-05-01 10:00:00'), (TIMESTAMP '2024-05-01 10:00:00.000')) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (x'0a'), (x'0A'), (x'0b')) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (ARRAY[1, 2]), (ARRAY[1, 2]), (ARRAY[2, 1])) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (SELECT ROW(a, b) AS k FROM (VALUES (1, 'a'), (1, 'a'), (2, 'a')) AS t (a, b)) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (MAP['a', 1, 'b', 2]), (MAP['b', 2, 'a', 1])) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (TRUE), (FALSE), (TRUE)) AS t (k) GROUP BY k;
SELECT k, COUNT(*) FROM (VALUES (0e0), (-0e0), (CAST('NaN' AS DOUBLE)), (CAST('NaN' AS DOUBLE))) AS t (k) GROUP BY k;
