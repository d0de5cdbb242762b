-- A DECIMAL sum beyond 38 digits becomes NULL, and begins again with the next value; its average is NULL when a digit too many comes of the scale.
CREATE TABLE x (n INT, v STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_overflow_of_decimals_x', 'format' = 'json');
INSERT INTO x VALUES (1, '99999999999999999999999999999999999999'), (2, '1'), (3, '5'), (4, '7');
SELECT n, s, a FROM (SELECT MAX(n) AS n, SUM(CAST(v AS DECIMAL(38, 0))) AS s, AVG(CAST(v AS DECIMAL(38, 0))) AS a, MAX(CAST(v AS DECIMAL(38, 0))) AS m FROM x);
SELECT SUM(CAST(v AS DECIMAL(38, 0)) * 10) FROM x;
SELECT SUM(CAST(v AS DECIMAL(20, 0))) FROM x;
