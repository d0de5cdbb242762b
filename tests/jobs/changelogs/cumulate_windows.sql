-- CUMULATE: windows that share their start and grow by the step up to the size; a window is told of in every step after its first row, even where no new row came.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/cumulate_windows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:30', 1), (TIMESTAMP '2024-05-01 10:03:10', 2), (TIMESTAMP '2024-05-01 10:07:00', 4), (TIMESTAMP '2024-05-01 10:21:00', 8);
SELECT window_start, window_end, COUNT(*), SUM(price) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TABLE(CUMULATE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), STEP => INTERVAL '5' MINUTE, SIZE => INTERVAL '10' MINUTE)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
