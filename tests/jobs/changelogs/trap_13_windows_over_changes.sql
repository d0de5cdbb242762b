-- Window aggregates over changes take rows back (trap 13); a window in which nothing is left gives no row.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_13_windows_over_changes_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":null,"after":{"id":1,"ts":"2024-05-01 10:00:01","v":1},"op":"c"}'),
  ('{"before":null,"after":{"id":2,"ts":"2024-05-01 10:00:02","v":2},"op":"c"}'),
  ('{"before":{"id":1,"ts":"2024-05-01 10:00:01","v":1},"after":{"id":1,"ts":"2024-05-01 10:00:01","v":10},"op":"u"}'),
  ('{"before":null,"after":{"id":3,"ts":"2024-05-01 10:00:11","v":4},"op":"c"}'),
  ('{"before":{"id":3,"ts":"2024-05-01 10:00:11","v":4},"after":null,"op":"d"}'),
  ('{"before":{"id":2,"ts":"2024-05-01 10:00:02","v":2},"after":null,"op":"d"}'),
  ('{"before":null,"after":{"id":4,"ts":"2024-05-01 10:00:21","v":8},"op":"c"}');
CREATE TABLE changes (id INT, ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_13_windows_over_changes_changes', 'format' = 'debezium-json');
SELECT id, v FROM changes;
SELECT window_start, COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v), COUNT(DISTINCT id) FROM TUMBLE(TABLE changes, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(v) FROM HOP(TABLE changes, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND) GROUP BY window_start, window_end;
SELECT window_start, id, v FROM TUMBLE(TABLE changes, DESCRIPTOR(ts), INTERVAL '10' SECOND);
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), COUNT(*), SUM(v) FROM changes GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
SELECT window_start, window_end, COUNT(*), SUM(v) FROM SESSION(TABLE changes, DESCRIPTOR(ts), INTERVAL '5' SECOND) GROUP BY window_start, window_end;
