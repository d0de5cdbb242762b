-- Windows over bounded rows need no watermark, and rows without a time have none (the order of rows is not defined).
CREATE TEMPORARY VIEW v AS SELECT id, k, v, CAST(ts AS TIMESTAMP(3)) AS ts FROM (VALUES (1, 'a', 1, '2024-01-01 00:00:01'), (2, 'b', 2, '2024-01-01 00:00:12'), (3, 'a', CAST(NULL AS INT), '2024-01-01 00:00:03'), (4, CAST(NULL AS STRING), 4, '2024-01-01 00:00:25'), (5, 'a', 7, '2024-01-01 00:00:02'), (6, 'b', 9, '1969-12-31 23:59:59.999'), (7, 'b', 3, CAST(NULL AS STRING))) AS x (id, k, v, ts);
SELECT window_start, window_end, k, SUM(v) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, k, SUM(v) FROM TABLE(HOP(TABLE v, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, COUNT(*) FROM TABLE(HOP(TABLE v, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, window_time, k, MAX(v) FROM TABLE(CUMULATE(TABLE v, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end, window_time, k;
SELECT * FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '3' SECOND));
SELECT id, window_start FROM TABLE(HOP(TABLE v, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '4' SECOND));
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), TUMBLE_END(ts, INTERVAL '10' SECOND), TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND), k, AVG(v) FROM v WHERE ts IS NOT NULL GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), k;
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND), COUNT(k) FROM v WHERE ts IS NOT NULL GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
SELECT window_start, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start HAVING COUNT(*) > 1;
SELECT window_start, window_end, k, COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, ROLLUP (k);
WITH inside AS (SELECT window_time AS wt, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, window_time) SELECT window_start, window_end, SUM(c) FROM TABLE(TUMBLE(TABLE inside, DESCRIPTOR(wt), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
CREATE TEMPORARY VIEW fine AS SELECT id, CAST(ts AS TIMESTAMP(6)) AS t6, CAST(ts AS TIMESTAMP(0)) AS t0 FROM (VALUES (1, '2024-01-01 00:00:01.123456'), (2, '1969-12-31 23:59:59.999999')) AS x (id, ts);
SELECT id, window_start, window_time FROM TABLE(TUMBLE(TABLE fine, DESCRIPTOR(t6), INTERVAL '10' SECOND));
SELECT id, window_start, window_time FROM TABLE(TUMBLE(TABLE fine, DESCRIPTOR(t0), INTERVAL '10' SECOND));
