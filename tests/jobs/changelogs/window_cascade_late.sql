-- Windows of windows: the rows of the inner window carry its window_time, and none of them is late for the outer; a late row of the input is dropped once.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_cascade_late_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:05', 1), (TIMESTAMP '2024-05-01 10:00:25', 2), (TIMESTAMP '2024-05-01 10:00:19', 4), (TIMESTAMP '2024-05-01 10:00:21', 8), (TIMESTAMP '2024-05-01 10:01:05', 16), (TIMESTAMP '2024-05-01 10:00:59', 32);
CREATE VIEW tens AS SELECT window_time AS t, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, window_time;
SELECT t, s, CURRENT_WATERMARK(t) FROM tens;
SELECT window_start, window_end, COUNT(*), SUM(s) FROM TUMBLE(TABLE tens, DESCRIPTOR(t), INTERVAL '20' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(s) FROM CUMULATE(TABLE tens, DESCRIPTOR(t), INTERVAL '20' SECOND, INTERVAL '60' SECOND) GROUP BY window_start, window_end;
