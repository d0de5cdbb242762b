-- Event times before 1970: windows are aligned right (trap 9), and the watermark does not move before 1970 where the source does not make it (trap 6): nothing is late before the end.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_06_before_1970_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '1969-12-31 23:59:59.999', 1), (TIMESTAMP '1969-12-31 23:55:00', 2), (TIMESTAMP '1969-12-31 23:54:59.999', 4), (TIMESTAMP '1900-01-01 00:00:00', 8), (TIMESTAMP '1969-12-31 23:58:00', 16);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '-2' MINUTE) GROUP BY window_start, window_end;
SELECT ts, window_start, window_end FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE);
SELECT ts, window_start, window_end FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE);
SELECT SESSION_START(ts, INTERVAL '6' MINUTE), SESSION_END(ts, INTERVAL '6' MINUTE), SUM(v) FROM bids GROUP BY SESSION(ts, INTERVAL '6' MINUTE);
SELECT TUMBLE_START(ts, INTERVAL '5' MINUTE), SUM(v) FROM bids GROUP BY TUMBLE(ts, INTERVAL '5' MINUTE);
