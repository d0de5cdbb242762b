-- Late rows through the window functions alone: TUMBLE, HOP and CUMULATE drop nothing, SESSION drops what is late.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/standalone_late_rows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:20:00', 2), (TIMESTAMP '2024-05-01 10:01:00', 4), (TIMESTAMP '2024-05-01 10:19:50', 8);
SELECT * FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE);
SELECT price, window_start, window_end FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE);
SELECT price, window_start, window_end FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE);
SELECT price, window_start, window_end FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE);
