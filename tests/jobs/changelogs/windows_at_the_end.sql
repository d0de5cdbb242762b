-- The end of bounded input closes every window, also far in the future; and an empty table has none.
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/windows_at_the_end_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '9999-12-31 23:59:59.999', 2), (TIMESTAMP '2024-05-01 10:00:00', 4);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) WHERE v > 100 GROUP BY window_start, window_end;
