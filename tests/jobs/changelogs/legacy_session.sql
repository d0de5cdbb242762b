-- GROUP BY SESSION with its functions, with a key; sessions that merge.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE) WITH ('connector' = 'filesystem', 'path' = '{folder}/legacy_session_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:03', 'b', 2), (TIMESTAMP '2024-05-01 10:00:18', 'a', 4), (TIMESTAMP '2024-05-01 10:00:09', 'a', 8), (TIMESTAMP '2024-05-01 10:00:29', 'a', 16);
SELECT SESSION_START(ts, INTERVAL '10' SECOND), SESSION_END(ts, INTERVAL '10' SECOND), SESSION_ROWTIME(ts, INTERVAL '10' SECOND), item, COUNT(*), SUM(v) FROM bids GROUP BY item, SESSION(ts, INTERVAL '10' SECOND);
SELECT SESSION_START(ts, INTERVAL '10' SECOND), SUM(v) FROM bids GROUP BY SESSION(ts, INTERVAL '10' SECOND);
