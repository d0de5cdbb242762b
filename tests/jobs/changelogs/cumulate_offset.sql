-- CUMULATE with offsets, one of them negative, by position and by name; what an offset may be. The watermark waits for the end: see bug_offset_windows_lost.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/cumulate_offset_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:30', 1), (TIMESTAMP '2024-05-01 10:03:10', 2), (TIMESTAMP '2024-05-01 10:07:00', 4), (TIMESTAMP '2024-05-01 10:21:00', 8);
SELECT window_start, window_end, SUM(price) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM CUMULATE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), STEP => INTERVAL '5' MINUTE, SIZE => INTERVAL '10' MINUTE, `OFFSET` => INTERVAL '-6' MINUTE) GROUP BY window_start, window_end;
SELECT price, window_start, window_end FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '-6' MINUTE);
SELECT window_start, window_end, SUM(price) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '11' MINUTE) GROUP BY window_start, window_end;
