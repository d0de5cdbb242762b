-- AND and OR guard their right side, row by row. The order of rows is not defined: compared sorted.
CREATE TABLE t1 (a INT, s STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/guards', 'format' = 'csv');
INSERT INTO t1 VALUES (1, 'abc'), (2, 'abc'), (0, 'x'), (-3, '12');
SELECT a FROM t1 WHERE a <> 0 AND 10 / a > 1;
SELECT a FROM t1 WHERE a = 0 OR 10 / a > 1;
SELECT a <> 0 AND 10 / a > 1 FROM t1;
SELECT a, CASE WHEN a = 0 OR 10 / a > 1 THEN 'y' END FROM t1;
SELECT x FROM (SELECT 10 / a AS x, a FROM t1 WHERE a <> 0) WHERE x > 1;
SELECT a FROM t1 WHERE s IN ('12', '13') AND CAST(s AS INT) = 12;
SELECT a, IF(a = 0, 0, 10 / a) FROM t1;
