-- DISTINCT aggregates in windows, with FILTER and without, over slices that share values: SUM(DISTINCT) is refused in HOP.
CREATE TABLE x (ts TIMESTAMP(3), v INT, s STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_distinct_in_windows_x', 'format' = 'json');
INSERT INTO x SELECT ts, v, NULLIF(s, 'none') FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 1, 'x'),
  (TIMESTAMP '2024-05-01 10:00:01', 1, 'y'),
  (TIMESTAMP '2024-05-01 10:00:06', 1, 'x'),
  (TIMESTAMP '2024-05-01 10:00:07', 3, 'none'),
  (TIMESTAMP '2024-05-01 10:00:12', 3, 'x')) AS t (ts, v, s);
SELECT window_end, COUNT(DISTINCT v), SUM(DISTINCT v), AVG(DISTINCT v), COUNT(DISTINCT s), COUNT(*) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_end, COUNT(DISTINCT v), SUM(DISTINCT v), COUNT(DISTINCT s) FROM HOP(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_end, COUNT(DISTINCT v), COUNT(DISTINCT v) FILTER (WHERE s = 'x'), SUM(v) FILTER (WHERE s = 'x'), COUNT(*) FILTER (WHERE v > 2) FROM CUMULATE(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND) GROUP BY window_start, window_end;
