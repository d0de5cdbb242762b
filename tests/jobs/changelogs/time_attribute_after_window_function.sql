-- After a window function alone the original time column is still a time attribute, beside window_time: GROUP BY TUMBLE takes both, a second window function right over the first is a NullPointerException of Flink's planner. After a window aggregate only window_time is one.
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/time_attribute_after_window_function_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:00:12', 2), (TIMESTAMP '2024-05-01 10:00:25', 4);
CREATE VIEW windowed AS SELECT ts, v, window_time AS wt FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE windowed, DESCRIPTOR(ts), INTERVAL '20' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE windowed, DESCRIPTOR(wt), INTERVAL '20' SECOND) GROUP BY window_start, window_end;
SELECT TUMBLE_START(ts, INTERVAL '20' SECOND), SUM(v) FROM windowed GROUP BY TUMBLE(ts, INTERVAL '20' SECOND);
SELECT TUMBLE_START(wt, INTERVAL '20' SECOND), SUM(v) FROM windowed GROUP BY TUMBLE(wt, INTERVAL '20' SECOND);
SELECT v, CURRENT_WATERMARK(wt) IS NULL FROM windowed;
CREATE VIEW grouped AS SELECT window_start AS ws, window_end AS we, window_time AS wt, MAX(ts) AS ts, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, window_time;
SELECT window_start, window_end, SUM(s) FROM TUMBLE(TABLE grouped, DESCRIPTOR(ts), INTERVAL '20' SECOND) GROUP BY window_start, window_end;
CREATE TABLE out_two (ts TIMESTAMP(3), wt TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '{folder}/time_attribute_after_window_function_out_two', 'format' = 'json');
INSERT INTO out_two SELECT ts, wt FROM windowed;
