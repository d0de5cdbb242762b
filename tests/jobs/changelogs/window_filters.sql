-- Filters before, inside and after windows: on the rows, on the window columns of the function alone and of the aggregate, on the time; the watermark is that of all rows, before any filter.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_filters_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:01', 1), (TIMESTAMP '2024-05-01 10:00:32', 100), (TIMESTAMP '2024-05-01 10:00:05', 4), (TIMESTAMP '2024-05-01 10:00:33', 8), (TIMESTAMP '2024-05-01 10:00:45', 16);
CREATE VIEW small AS SELECT * FROM bids WHERE v < 100;
SELECT window_start, SUM(v) FROM TUMBLE(TABLE small, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) WHERE v < 100 GROUP BY window_start, window_end;
SELECT window_start, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) WHERE window_start > TIMESTAMP '2024-05-01 10:00:00' GROUP BY window_start, window_end;
SELECT window_start, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) WHERE ts < TIMESTAMP '2024-05-01 10:00:40' AND window_time > ts GROUP BY window_start, window_end;
SELECT v, window_end FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) WHERE window_end - INTERVAL '5' SECOND > ts;
