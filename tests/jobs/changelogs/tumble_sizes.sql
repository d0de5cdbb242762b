-- Windows of odd sizes: 7 minutes, a fraction of a second, seven days (which begin on Thursday, as the epoch did), composed intervals; and sizes that cannot be.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/tumble_sizes_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 10), (TIMESTAMP '2024-05-01 10:00:00.250', 20), (TIMESTAMP '2024-05-02 10:00:00.251', 40);
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '7' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '0.25' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '7' DAY) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1 12' DAY TO HOUR) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '100' DAY) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '100' DAY(3)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MONTH) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '0' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '-1' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), 60) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '1' MONTH) GROUP BY window_start, window_end;
