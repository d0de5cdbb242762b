-- Sums of products of decimals keep a derived precision (trap 24); a sum over 38 digits is NULL, not an error.
CREATE TABLE x (price DECIMAL(10, 2), n INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_24_decimal_sums_x', 'format' = 'json');
INSERT INTO x VALUES (10.05, 3), (0.10, 7);
SELECT SUM(price * 0.1), TYPEOF(SUM(price * 0.1)), SUM(price * n), TYPEOF(SUM(price * n)), SUM(price) * 0.19, TYPEOF(SUM(price) * 0.19) FROM x;
SELECT AVG(price / n), TYPEOF(AVG(price / n)), SUM(CAST(price AS DOUBLE)) FROM x;
SELECT SUM(v), COUNT(v) FROM (VALUES (CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))), (CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0)))) AS t (v);
