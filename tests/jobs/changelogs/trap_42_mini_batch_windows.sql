-- Mini-batches do not batch windows, but they let watermarks through only every allow-latency of event time (trap 42): row 4 is late in the first SELECT, without them, and is not with them; rows 16 and 64 are late in both.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_42_mini_batch_windows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:01', 1), (TIMESTAMP '2024-05-01 10:00:12', 2), (TIMESTAMP '2024-05-01 10:00:05', 4), (TIMESTAMP '2024-05-01 10:00:32', 8), (TIMESTAMP '2024-05-01 10:00:29', 16), (TIMESTAMP '2024-05-01 10:01:01', 32), (TIMESTAMP '2024-05-01 10:00:31', 64);
SELECT window_start, COUNT(*), SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '30 s';
SET 'table.exec.mini-batch.size' = '100';
SELECT window_start, COUNT(*), SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
