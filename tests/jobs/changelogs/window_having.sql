-- HAVING over windows: a window comes or does not; nothing is taken back.
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_having_bids', 'format' = 'json');
INSERT INTO bids SELECT ts, NULLIF(v, -99) FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 1),
  (TIMESTAMP '2024-05-01 10:00:09', 2),
  (TIMESTAMP '2024-05-01 10:00:10', 4),
  (TIMESTAMP '2024-05-01 10:00:22', 8),
  (TIMESTAMP '2024-05-01 10:00:23', -99),
  (TIMESTAMP '2024-05-01 10:00:33', -99)) AS t (ts, v);
SELECT window_start, COUNT(*), SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end HAVING COUNT(*) > 1;
SELECT window_start FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end HAVING SUM(v) > 3;
SELECT window_start, s FROM (SELECT window_start, window_end, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end) WHERE s IS NULL OR window_end > TIMESTAMP '2024-05-01 10:00:20';
