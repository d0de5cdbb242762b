-- The order of rows read from files is not defined: compared sorted.
-- INSERT INTO, then WITH and SELECT.
CREATE TABLE high (host STRING, load_value DOUBLE) WITH ('connector' = 'filesystem', 'path' = '{folder}/high', 'format' = 'csv');
INSERT INTO high WITH loads AS (SELECT * FROM (VALUES ('doc', 98.3), ('happy', 12.0)) AS t (a, b)) SELECT a, b FROM loads WHERE b > 50;
SELECT * FROM high;
