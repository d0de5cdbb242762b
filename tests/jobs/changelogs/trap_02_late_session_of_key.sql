-- The watermark is the table's, not the key's (trap 2): rows of key b are late because of those of key a, in TUMBLE and in SESSION.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_02_late_session_of_key_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:30', 'a', 2), (TIMESTAMP '2024-05-01 10:00:05', 'b', 4), (TIMESTAMP '2024-05-01 10:00:21', 'b', 8), (TIMESTAMP '2024-05-01 10:00:20', 'b', 16), (TIMESTAMP '2024-05-01 10:00:15', 'b', 32);
SELECT window_start, item, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '15' SECOND) GROUP BY window_start, window_end, item;
SELECT window_start, window_end, item, SUM(v) FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
