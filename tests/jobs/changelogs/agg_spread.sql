-- STDDEV_POP, STDDEV_SAMP, VAR_POP, VAR_SAMP, VARIANCE, STDDEV: of one row, of more, of integers (integers again) and decimals; in windows and updating.
CREATE TABLE x (ts TIMESTAMP(3), i INT, d DOUBLE, dc DECIMAL(10, 2), bi BIGINT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_spread_x', 'format' = 'json');
INSERT INTO x SELECT ts, NULLIF(i, -99), CAST(NULLIF(d, -99) AS DOUBLE), CAST(NULLIF(dc, -99) AS DECIMAL(10, 2)), CAST(NULLIF(bi, -99) AS BIGINT) FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 2, 2, 2.00, 2),
  (TIMESTAMP '2024-05-01 10:00:01', 4, 4, 4.00, 4),
  (TIMESTAMP '2024-05-01 10:00:02', 4, 4.5, 4.50, 4),
  (TIMESTAMP '2024-05-01 10:00:11', 9, 9, 9.00, 9),
  (TIMESTAMP '2024-05-01 10:00:12', -99, -99, -99, -99),
  (TIMESTAMP '2024-05-01 10:00:22', -99, -99, -99, -99)) AS t (ts, i, d, dc, bi);
SELECT STDDEV_POP(d), STDDEV_SAMP(d), VAR_POP(d), VAR_SAMP(d), VARIANCE(d), STDDEV(d) FROM x;
SELECT STDDEV_POP(i), STDDEV_SAMP(i), VAR_POP(bi), VAR_SAMP(bi) FROM x;
SELECT STDDEV_POP(dc), STDDEV_SAMP(dc), VAR_POP(dc), VAR_SAMP(dc), TYPEOF(VAR_POP(dc)) FROM x;
SELECT window_start, STDDEV_POP(d), STDDEV_SAMP(d), VAR_POP(d), VAR_SAMP(i), STDDEV_POP(dc) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
