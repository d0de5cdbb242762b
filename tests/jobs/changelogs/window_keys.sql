-- Keys beside the window columns, in any order, as expressions, selected or not; NULL is a key of its own. One key a window: the order is defined.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_keys_bids', 'format' = 'json');
INSERT INTO bids SELECT ts, NULLIF(item, 'none'), v FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 'a', 1),
  (TIMESTAMP '2024-05-01 10:00:09', 'a', 2),
  (TIMESTAMP '2024-05-01 10:00:10', 'none', 4),
  (TIMESTAMP '2024-05-01 10:00:12', 'none', 8),
  (TIMESTAMP '2024-05-01 10:00:20', '', 16)) AS t (ts, item, v);
SELECT window_start, item, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY item, window_end, window_start;
SELECT SUM(v) AS v, UPPER(item) AS item FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, UPPER(item), v > 100;
SELECT DATE_FORMAT(window_start, 'mm:ss'), item, SUM(v) + COUNT(*) AS total FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item HAVING COUNT(*) > 1 OR item IS NOT NULL;
SELECT window_start, item IS NULL, COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) WHERE v < 16 GROUP BY window_start, window_end, window_time, item IS NULL;
SELECT window_start, COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, 'constant';
