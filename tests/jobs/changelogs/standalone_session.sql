-- The SESSION function without an aggregate: a row comes when its session is over.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/standalone_session_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:02', 'b', 2), (TIMESTAMP '2024-05-01 10:00:07', 'a', 4), (TIMESTAMP '2024-05-01 10:00:30', 'a', 8);
SELECT * FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' SECOND);
SELECT window_start, window_end, price FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND);
