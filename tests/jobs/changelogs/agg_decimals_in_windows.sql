-- SUM and AVG of decimals in windows, with an overflow in the last.
CREATE TABLE x (ts TIMESTAMP(3), a DECIMAL(10, 2), e DECIMAL(38, 0), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_decimals_in_windows_x', 'format' = 'json');
INSERT INTO x SELECT ts, CAST(NULLIF(a, -99) AS DECIMAL(10, 2)), CAST(e AS DECIMAL(38, 0)) FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 1.10, '5'),
  (TIMESTAMP '2024-05-01 10:00:01', 2.25, '6'),
  (TIMESTAMP '2024-05-01 10:00:12', 10, '7'),
  (TIMESTAMP '2024-05-01 10:00:13', 10, '8'),
  (TIMESTAMP '2024-05-01 10:00:14', 10.01, '8'),
  (TIMESTAMP '2024-05-01 10:00:21', -99, '99999999999999999999999999999999999999'),
  (TIMESTAMP '2024-05-01 10:00:22', -99, '1')) AS t (ts, a, e);
SELECT window_start, SUM(a), AVG(a), MIN(a), MAX(a), SUM(e), AVG(e) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
