-- SESSION without PARTITION BY is one session of all rows, with PARTITION BY the GROUP BY keys have to be the same (trap 11); what Flink says and does otherwise.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, price INT, WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_11_session_keys_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:08', 'b', 2), (TIMESTAMP '2024-05-01 10:00:16', 'a', 4), (TIMESTAMP '2024-05-01 10:00:40', 'a', 8);
SELECT window_start, window_end, COUNT(*), SUM(price) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, item, SUM(price) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
SELECT window_start, window_end, item, price, SUM(price) FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item, price;
SELECT window_start, window_end, SUM(price) FROM SESSION(TABLE bids PARTITION BY nothing, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '1' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '0' SECOND) GROUP BY window_start, window_end;
