-- Windows of windows by window_time, which keeps the time attribute; and the other columns, which do not.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/cascaded_windows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:07', 'b', 2), (TIMESTAMP '2024-05-01 10:00:14', 'a', 4), (TIMESTAMP '2024-05-01 10:00:21', 'a', 8), (TIMESTAMP '2024-05-01 10:00:55', 'b', 16), (TIMESTAMP '2024-05-01 10:01:00', 'b', 32);
CREATE VIEW inner_windows AS SELECT window_start AS inner_start, window_end AS inner_end, window_time AS t, item, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, window_time, item;
DESCRIBE inner_windows;
SELECT window_start, window_end, COUNT(*), SUM(s), MAX(s) FROM TUMBLE(TABLE inner_windows, DESCRIPTOR(t), INTERVAL '30' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, window_time, SUM(s) FROM HOP(TABLE inner_windows, DESCRIPTOR(t), INTERVAL '20' SECOND, INTERVAL '40' SECOND) GROUP BY window_start, window_end, window_time;
SELECT window_start, window_end, SUM(s) FROM TUMBLE(TABLE inner_windows, DESCRIPTOR(inner_start), INTERVAL '30' SECOND) GROUP BY window_start, window_end;
SELECT TUMBLE_START(t, INTERVAL '30' SECOND), SUM(s) FROM inner_windows GROUP BY TUMBLE(t, INTERVAL '30' SECOND);
SELECT inner_start, COUNT(*), SUM(s) FROM inner_windows GROUP BY inner_start, inner_end;
SELECT TUMBLE_START(rt, INTERVAL '30' SECOND), SUM(s) FROM (SELECT TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS rt, SUM(v) AS s FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)) GROUP BY TUMBLE(rt, INTERVAL '30' SECOND);
