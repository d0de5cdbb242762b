-- FIRST_VALUE, LAST_VALUE, LISTAGG, COLLECT, ARRAY_AGG in windows, over slices that are merged, too (where FIRST_VALUE and LAST_VALUE are refused).
CREATE TABLE x (ts TIMESTAMP(3), s STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '10' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_collect_in_windows_x', 'format' = 'json');
INSERT INTO x SELECT ts, NULLIF(s, 'none'), NULLIF(v, -99) FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:01', 'a', 1),
  (TIMESTAMP '2024-05-01 10:00:07', 'b', -99),
  (TIMESTAMP '2024-05-01 10:00:00', 'c', 3),
  (TIMESTAMP '2024-05-01 10:00:03', 'none', 1),
  (TIMESTAMP '2024-05-01 10:00:12', 'b', 5)) AS t (ts, s, v);
SELECT window_end, FIRST_VALUE(s), LAST_VALUE(s), FIRST_VALUE(v), LISTAGG(s), LISTAGG(s, '; ') FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_end, COLLECT(v), ARRAY_AGG(v), ARRAY_AGG(DISTINCT v), LISTAGG(DISTINCT s) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_end, LISTAGG(s), ARRAY_AGG(v) FROM HOP(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_end, FIRST_VALUE(s), LAST_VALUE(s) FROM HOP(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end;
