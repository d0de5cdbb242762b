-- Window functions without an aggregate: each row once per window, in the order of the rows; the windows of one row in a HOP from the latest to the earliest, in a CUMULATE from the shortest to the longest.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/standalone_functions_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:04:59.999', 2), (TIMESTAMP '2024-05-01 10:07:00', 4);
SELECT * FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE);
SELECT * FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '6' MINUTE);
SELECT * FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '6' MINUTE);
SELECT window_end, window_time, price * 2 FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE)) WHERE price > 1;
