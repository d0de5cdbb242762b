-- Row-based operators call a row late that is not after the watermark (trap 3): OVER by event time drops even the second row of the same time, and ORDER BY drops by what it has fired.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_03_late_for_row_operators_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:00:00', 2), (TIMESTAMP '2024-05-01 10:00:01', 4), (TIMESTAMP '2024-05-01 10:00:00.500', 8), (TIMESTAMP '2024-05-01 10:00:02', 16);
SELECT ts, v, SUM(v) OVER (ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM bids;
SELECT ts, v FROM bids ORDER BY ts;
SELECT ts, v FROM (SELECT ts, v, ROW_NUMBER() OVER (PARTITION BY v > 0 ORDER BY ts ASC) AS rn FROM bids) WHERE rn = 1;
CREATE TABLE lagged (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_03_late_for_row_operators_lagged', 'format' = 'json');
INSERT INTO lagged SELECT * FROM bids;
SELECT ts, v, SUM(v) OVER (ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM lagged;
