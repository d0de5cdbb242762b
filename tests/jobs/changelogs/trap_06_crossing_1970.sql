-- Rows before 1970 wait until the watermark comes into 1970 and then fire together, in order of their ends; a row before 1970 is late only after that (trap 6).
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_06_crossing_1970_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '1969-12-31 23:50:00', 1), (TIMESTAMP '1969-12-31 23:59:00', 2), (TIMESTAMP '1969-12-31 23:40:00', 4), (TIMESTAMP '1970-01-01 00:00:00', 8), (TIMESTAMP '1969-12-31 23:41:00', 16), (TIMESTAMP '1970-01-01 00:00:00.001', 32), (TIMESTAMP '1969-12-31 23:42:00', 64);
SELECT ts, v, CURRENT_WATERMARK(ts) FROM bids;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
