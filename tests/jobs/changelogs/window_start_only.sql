-- Only one of the window columns in GROUP BY is no window aggregate: it updates with every row, and drops nothing that is late.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_start_only_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:09', 'b', 2), (TIMESTAMP '2024-05-01 10:00:21', 'a', 4), (TIMESTAMP '2024-05-01 10:00:01', 'a', 8);
SELECT window_start, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start;
SELECT window_end, COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_end;
SELECT window_time, COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_time;
SELECT item, COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY item;
SELECT window_start, COUNT(*) FROM (SELECT window_start, window_end, item, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item) GROUP BY window_start;
SELECT window_start, window_end FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT DISTINCT window_start, window_end FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND);
