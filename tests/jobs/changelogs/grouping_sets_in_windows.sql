-- The order of the groups of one window is not defined: compared sorted. GROUPING SETS, ROLLUP and CUBE beside the window columns, with GROUPING and GROUPING_ID; the empty set gives a row only for windows with rows.
CREATE TABLE sales (ts TIMESTAMP(3), shop STRING, item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/grouping_sets_in_windows_sales', 'format' = 'json');
INSERT INTO sales SELECT ts, NULLIF(shop, 'none'), item, v FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 's1', 'a', 1),
  (TIMESTAMP '2024-05-01 10:00:01', 's1', 'b', 2),
  (TIMESTAMP '2024-05-01 10:00:02', 's2', 'a', 4),
  (TIMESTAMP '2024-05-01 10:00:25', 'none', 'a', 8)) AS t (ts, shop, item, v);
SELECT window_start, shop, item, SUM(v), GROUPING(shop), GROUPING(item), GROUPING_ID(shop, item) FROM TUMBLE(TABLE sales, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, GROUPING SETS ((shop), (item), ());
SELECT window_start, shop, item, SUM(v), GROUPING(shop), GROUPING(item), GROUPING_ID(shop, item) FROM TUMBLE(TABLE sales, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, ROLLUP (shop, item);
SELECT window_start, shop, item, COUNT(*), GROUPING(shop, item) FROM TUMBLE(TABLE sales, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, CUBE (shop, item);
SELECT window_start, window_end, COUNT(*) FROM TUMBLE(TABLE sales, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, GROUPING SETS ((window_end), ());
SELECT window_start, window_end, COUNT(*) FROM TUMBLE(TABLE sales, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY GROUPING SETS ((window_start, window_end), ());
