-- A HOP size that is no multiple of the slide, a CUMULATE size that is no multiple of the step: planning errors (trap 12) for the aggregates; HOP alone and GROUP BY HOP take any size.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_12_hop_cumulate_multiples_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:04:59', 2);
SELECT window_start, window_end, SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '4' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '4' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
SELECT * FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '4' MINUTE, INTERVAL '10' MINUTE);
SELECT * FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '5' MINUTE);
SELECT * FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '4' MINUTE, INTERVAL '10' MINUTE);
SELECT HOP_START(ts, INTERVAL '4' MINUTE, INTERVAL '10' MINUTE), HOP_END(ts, INTERVAL '4' MINUTE, INTERVAL '10' MINUTE), SUM(price) FROM bids GROUP BY HOP(ts, INTERVAL '4' MINUTE, INTERVAL '10' MINUTE);
