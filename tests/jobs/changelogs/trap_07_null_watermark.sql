-- A watermark expression that is NULL for a row leaves the watermark where it is (trap 7), and one that goes back does, too.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS CASE WHEN MOD(v, 2) = 0 THEN ts END) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_07_null_watermark_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 0), (TIMESTAMP '2024-05-01 10:20:00', 1), (TIMESTAMP '2024-05-01 10:01:00', 3), (TIMESTAMP '2024-05-01 10:06:00', 2), (TIMESTAMP '2024-05-01 10:02:00', 4), (TIMESTAMP '2024-05-01 10:07:00', 6);
SELECT ts, v, CURRENT_WATERMARK(ts) FROM bids;
SELECT window_start, window_end, COUNT(*), SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
