-- A late row counts in those steps of a CUMULATE that have not fired; it is dropped when the last has (trap 2).
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_02_late_cumulate_row_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:01:00', 1), (TIMESTAMP '2024-05-01 10:05:00', 2), (TIMESTAMP '2024-05-01 10:02:30', 4), (TIMESTAMP '2024-05-01 10:10:00', 8), (TIMESTAMP '2024-05-01 10:03:00', 16), (TIMESTAMP '2024-05-01 10:20:00', 32);
SELECT window_start, window_end, COUNT(*), SUM(v) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
