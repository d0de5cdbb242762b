-- Flink's result types: integers divide to integers, decimals widen, DOUBLE wins.
SELECT a / b, a % b, -a, a * b, a + b FROM (VALUES (7, 2), (-7, 2), (7, -2)) AS t (a, b);
SELECT CAST(7 AS DECIMAL(10, 2)) / CAST(3 AS DECIMAL(10, 2)), CAST(1.5 AS DOUBLE) * 2, 0.1 + 0.2;
SELECT CAST(7 AS BIGINT) / 2, 7.0 / 2, CAST(7 AS FLOAT) / 2;
SELECT 2147483647 + 1, CAST(2147483647 AS BIGINT) + 1;
