-- A late row in SESSION windows: it counts where the merged window is not late (row 4 touches an open session), otherwise it is dropped (row 16) (trap 11).
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_11_late_session_rows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:00:25', 2), (TIMESTAMP '2024-05-01 10:00:15', 4), (TIMESTAMP '2024-05-01 10:00:34', 8), (TIMESTAMP '2024-05-01 10:00:03', 16), (TIMESTAMP '2024-05-01 10:00:10', 32), (TIMESTAMP '2024-05-01 10:01:00', 64);
SELECT window_start, window_end, COUNT(*), SUM(v) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT SESSION_START(ts, INTERVAL '10' SECOND), SESSION_END(ts, INTERVAL '10' SECOND), COUNT(*), SUM(v) FROM bids GROUP BY SESSION(ts, INTERVAL '10' SECOND);
