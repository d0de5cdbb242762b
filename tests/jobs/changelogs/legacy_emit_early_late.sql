-- The experimental late firing of the old windows makes them update: a late row within the allowed lateness takes the old result back. The window functions of FROM are refused with it.
SET 'pipeline.auto-watermark-interval' = '0 ms';
SET 'table.exec.emit.late-fire.enabled' = 'true';
SET 'table.exec.emit.late-fire.delay' = '0 ms';
SET 'table.exec.emit.allow-lateness' = '1 min';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/legacy_emit_early_late_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:01', 1), (TIMESTAMP '2024-05-01 10:00:15', 2), (TIMESTAMP '2024-05-01 10:00:02', 4), (TIMESTAMP '2024-05-01 10:02:00', 8), (TIMESTAMP '2024-05-01 10:00:03', 16);
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), SUM(v) FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
SELECT window_start, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
