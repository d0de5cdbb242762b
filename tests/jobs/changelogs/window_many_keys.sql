-- The order of the keys of one window is not defined: compared sorted. Many keys in overlapping windows, some with late rows.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item INT, v INT, WATERMARK FOR ts AS ts - INTERVAL '3' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_many_keys_bids', 'format' = 'json');
INSERT INTO bids VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 1, 1), (TIMESTAMP '2024-05-01 10:00:01', 2, 2), (TIMESTAMP '2024-05-01 10:00:02', 3, 3), (TIMESTAMP '2024-05-01 10:00:06', 1, 4),
  (TIMESTAMP '2024-05-01 10:00:04', 2, 5), (TIMESTAMP '2024-05-01 10:00:08', 3, 6), (TIMESTAMP '2024-05-01 10:00:03', 1, 7), (TIMESTAMP '2024-05-01 10:00:13', 2, 8),
  (TIMESTAMP '2024-05-01 10:00:09', 3, 9), (TIMESTAMP '2024-05-01 10:00:02', 1, 10), (TIMESTAMP '2024-05-01 10:00:19', 2, 11), (TIMESTAMP '2024-05-01 10:00:12', 3, 12);
SELECT window_start, window_end, item, COUNT(*), SUM(v), MIN(v), MAX(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND) GROUP BY window_start, window_end, item;
SELECT window_start, window_end, item, COUNT(*), SUM(v), MIN(v), MAX(v) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
SELECT window_start, window_end, item, COUNT(*), SUM(v), MIN(v), MAX(v) FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '6' SECOND) GROUP BY window_start, window_end, item;
