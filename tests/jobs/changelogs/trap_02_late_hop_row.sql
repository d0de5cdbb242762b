-- A late row counts in those windows of a HOP that have not fired; it is dropped when its last window has (trap 2). Rows 4 and 8 are late for one, 16 for all.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_02_late_hop_row_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:01:00', 1), (TIMESTAMP '2024-05-01 10:06:00', 2), (TIMESTAMP '2024-05-01 10:02:00', 4), (TIMESTAMP '2024-05-01 10:04:59.999', 8), (TIMESTAMP '2024-05-01 09:59:59.999', 16), (TIMESTAMP '2024-05-01 10:30:00', 32);
SELECT window_start, window_end, COUNT(*), SUM(v) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
SELECT HOP_START(ts, INTERVAL '5' MINUTE, INTERVAL '10' MINUTE), HOP_END(ts, INTERVAL '5' MINUTE, INTERVAL '10' MINUTE), COUNT(*), SUM(v) FROM bids GROUP BY HOP(ts, INTERVAL '5' MINUTE, INTERVAL '10' MINUTE);
