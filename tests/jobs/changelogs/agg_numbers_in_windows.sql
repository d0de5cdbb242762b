-- COUNT, SUM, AVG, MIN and MAX of integers in windows: NULLs are skipped, all NULLs give NULL and a count of 0, averages are truncated.
CREATE TABLE x (ts TIMESTAMP(3), ti TINYINT, si SMALLINT, i INT, bi BIGINT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_numbers_in_windows_x', 'format' = 'json');
INSERT INTO x SELECT ts, CAST(NULLIF(ti, -99) AS TINYINT), CAST(NULLIF(si, -99) AS SMALLINT), NULLIF(i, -99), CAST(NULLIF(bi, -99) AS BIGINT) FROM (VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 1, 1, 1, 1),
  (TIMESTAMP '2024-05-01 10:00:01', 2, 2, 2, 2),
  (TIMESTAMP '2024-05-01 10:00:02', -99, -99, -99, -99),
  (TIMESTAMP '2024-05-01 10:00:10', -99, -99, -99, -99),
  (TIMESTAMP '2024-05-01 10:00:20', -7, -7, -7, -7),
  (TIMESTAMP '2024-05-01 10:00:21', 0, 0, 0, 0)) AS t (ts, ti, si, i, bi);
SELECT window_start, COUNT(*), COUNT(i), SUM(i), AVG(i), MIN(i), MAX(i) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, SUM(ti), AVG(ti), MIN(ti), SUM(si), AVG(si), MAX(si), SUM(bi), AVG(bi), MIN(bi) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(i), AVG(i), MIN(i), MAX(i), COUNT(i) FROM HOP(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND) GROUP BY window_start, window_end;
