-- Processing-time windows of bounded input: the last one is not closed by the end, for the window functions and for GROUP BY TUMBLE.
CREATE TABLE bids (v INT, p AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '{folder}/proctime_at_the_end_bids', 'format' = 'json');
INSERT INTO bids VALUES (1), (2), (4);
SELECT window_end > window_start, v FROM TUMBLE(TABLE bids, DESCRIPTOR(p), INTERVAL '1' DAY);
SELECT SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(p), INTERVAL '1' DAY) GROUP BY window_start, window_end;
SELECT SUM(v) FROM bids GROUP BY TUMBLE(p, INTERVAL '1' DAY);
SELECT window_start, SUM(v) FROM CUMULATE(TABLE bids, DESCRIPTOR(p), INTERVAL '1' DAY, INTERVAL '2' DAY) GROUP BY window_start, window_end;
