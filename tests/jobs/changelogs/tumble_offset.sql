-- TUMBLE with an offset: windows begin at multiples of the size plus the offset, which may be negative but not beyond the size. The watermark waits for the end: see bug_offset_windows_lost.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/tumble_offset_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 10), (TIMESTAMP '2024-05-01 10:02:59.999', 20), (TIMESTAMP '2024-05-01 10:03:00', 40), (TIMESTAMP '2024-05-01 10:11:00', 80);
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '3' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '-7' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '13' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, price FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '13' MINUTE);
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '0' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, -INTERVAL '2' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '0.001' SECOND) GROUP BY window_start, window_end;
