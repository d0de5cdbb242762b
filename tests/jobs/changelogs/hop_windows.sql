-- HOP: every row is in size / slide windows, by position and by name; windows without rows are not told of.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/hop_windows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:04:59', 2), (TIMESTAMP '2024-05-01 10:05:00', 4), (TIMESTAMP '2024-05-01 10:31:00', 8);
SELECT window_start, window_end, COUNT(*), SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(price) FROM TABLE(HOP(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '5' MINUTE, SIZE => INTERVAL '15' MINUTE)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
