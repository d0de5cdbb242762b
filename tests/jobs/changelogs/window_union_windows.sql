-- The order of windows of two branches that close together is not defined: compared sorted. UNION ALL of two window aggregates keeps window_time as a time attribute.
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_union_windows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:00:09', 2), (TIMESTAMP '2024-05-01 10:00:10', 4);
CREATE VIEW both_sizes AS
  SELECT 'short' AS kind, window_start AS ws, window_end AS we, window_time AS wt, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND) GROUP BY window_start, window_end, window_time
  UNION ALL
  SELECT 'long', window_start, window_end, window_time, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, window_time;
DESCRIBE both_sizes;
SELECT * FROM both_sizes;
SELECT window_start, kind, COUNT(*), SUM(s) FROM TUMBLE(TABLE both_sizes, DESCRIPTOR(wt), INTERVAL '20' SECOND) GROUP BY window_start, window_end, kind;
