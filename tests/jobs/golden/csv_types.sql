-- The order of rows read from files is not defined: compared sorted.
-- What is written as CSV and read again keeps its values.
CREATE TABLE t (i INT, d DOUBLE, b BOOLEAN, s STRING, dt DATE, ts TIMESTAMP(3), tm TIME(0), dec DECIMAL(10, 2)) WITH ('connector' = 'filesystem', 'path' = '{folder}/csv_types', 'format' = 'csv');
INSERT INTO t VALUES (1, 1.5, TRUE, 'a,b "quoted"', DATE '2021-10-11', TIMESTAMP '2021-10-11 12:13:14.567', TIME '12:13:14', 12.50), (-1, 1e20, FALSE, '', DATE '1969-12-31', TIMESTAMP '1969-12-31 23:59:59', TIME '00:00:00', -0.05);
SELECT * FROM t;
