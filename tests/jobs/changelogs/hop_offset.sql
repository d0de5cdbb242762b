-- HOP with offsets, one of them negative, by position and by name; what an offset may be. The watermark waits for the end: see bug_offset_windows_lost.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/hop_offset_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:04:59', 2), (TIMESTAMP '2024-05-01 10:05:00', 4), (TIMESTAMP '2024-05-01 10:31:00', 8);
SELECT window_start, window_end, COUNT(*), SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '2' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(price) FROM HOP(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '10' MINUTE, SLIDE => INTERVAL '5' MINUTE, `OFFSET` => INTERVAL '-1' MINUTE) GROUP BY window_start, window_end;
SELECT price, window_start, window_end FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '-1' MINUTE);
SELECT window_start, window_end, SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '7' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '12' MINUTE) GROUP BY window_start, window_end;
