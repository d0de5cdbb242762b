-- MIN and MAX in windows of texts, dates, booleans, timestamps, over slices that share rows.
CREATE TABLE x (ts TIMESTAMP(3), s STRING, b BOOLEAN, dt DATE, t TIMESTAMP(6), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_min_max_in_windows_x', 'format' = 'json');
INSERT INTO x SELECT ts, NULLIF(s, 'none'), CAST(NULLIF(b, 'none') AS BOOLEAN), NULLIF(dt, DATE '0001-01-01'), CAST(NULLIF(t, TIMESTAMP '0001-01-01 00:00:00') AS TIMESTAMP(6)) FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 'b', 'true', DATE '2024-05-01', TIMESTAMP '2024-05-01 10:00:00.123456'),
  (TIMESTAMP '2024-05-01 10:00:06', 'B', 'none', DATE '1969-12-31', TIMESTAMP '1969-12-31 23:59:59.999999'),
  (TIMESTAMP '2024-05-01 10:00:12', 'none', 'false', DATE '0001-01-01', TIMESTAMP '0001-01-01 00:00:00')) AS t (ts, s, b, dt, t);
SELECT window_end, MIN(s), MAX(s), MIN(b), MAX(b), MIN(dt), MAX(dt), MIN(t), MAX(t), MIN(ts), MAX(ts) FROM HOP(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_end, MIN(s), MAX(t), COUNT(s), COUNT(DISTINCT s) FROM CUMULATE(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND) GROUP BY window_start, window_end;
