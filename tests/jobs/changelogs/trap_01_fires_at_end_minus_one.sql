-- A window fires when the watermark reaches its end minus one millisecond (trap 1): row 2 at 09:59:59.999 closes 09:50 to 10:00, so row 4 (09:59:00) is late, and row 8 is not, in its own window.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_01_fires_at_end_minus_one_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 09:51:00', 1), (TIMESTAMP '2024-05-01 09:59:59.999', 2), (TIMESTAMP '2024-05-01 09:59:00', 4), (TIMESTAMP '2024-05-01 10:00:00', 8);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
CREATE TABLE bids2 (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_01_fires_at_end_minus_one_bids2', 'format' = 'json');
INSERT INTO bids2 VALUES (TIMESTAMP '2024-05-01 09:51:00', 1), (TIMESTAMP '2024-05-01 09:59:59.998', 2), (TIMESTAMP '2024-05-01 09:59:00', 4), (TIMESTAMP '2024-05-01 10:00:00', 8);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids2, DESCRIPTOR(ts), INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
SELECT TUMBLE_START(ts, INTERVAL '10' MINUTE), SUM(v) FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' MINUTE);
SELECT TUMBLE_START(ts, INTERVAL '10' MINUTE), SUM(v) FROM bids2 GROUP BY TUMBLE(ts, INTERVAL '10' MINUTE);
