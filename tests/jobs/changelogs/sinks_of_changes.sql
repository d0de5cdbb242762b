-- Sinks and updating results: debezium-json takes them all, insert-only windows go anywhere, a NOT NULL mismatch and the number of columns are errors of the plan.
CREATE TABLE x (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/sinks_of_changes_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1, TIMESTAMP '2024-05-01 10:00:00'), ('a', 2, TIMESTAMP '2024-05-01 10:00:01'), ('b', 4, TIMESTAMP '2024-05-01 10:00:11');
CREATE TABLE out_changes (k STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/sinks_of_changes_out_changes', 'format' = 'debezium-json');
INSERT INTO out_changes SELECT k, COUNT(*) FROM x GROUP BY k;
SELECT * FROM out_changes;
CREATE TABLE out_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/sinks_of_changes_out_changes', 'format' = 'raw');
SELECT * FROM out_lines;
CREATE TABLE out_windows (window_start TIMESTAMP(3), window_end TIMESTAMP(3), n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/sinks_of_changes_out_windows', 'format' = 'csv');
INSERT INTO out_windows SELECT window_start, window_end, COUNT(*) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT * FROM out_windows;
INSERT INTO out_windows SELECT window_start, window_end, window_time, COUNT(*) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, window_time;
INSERT INTO out_windows SELECT window_start, window_end, MAX(k) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
