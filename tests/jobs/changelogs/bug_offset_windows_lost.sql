-- A bug of Flink that is not to be copied: window aggregates with an offset lose windows where the watermark passes an end that is none without the offset, with one phase and with two, TUMBLE, HOP and CUMULATE. The function alone (the last SELECT) tells what is right: 1; 14; 16; 32.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/bug_offset_windows_lost_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:04:00', 2), (TIMESTAMP '2024-05-01 10:08:00', 4), (TIMESTAMP '2024-05-01 10:12:00', 8), (TIMESTAMP '2024-05-01 10:14:00', 16), (TIMESTAMP '2024-05-01 10:40:00', 32);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '3' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '3' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE, INTERVAL '3' MINUTE) GROUP BY window_start, window_end;
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '3' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, window_end, v FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '3' MINUTE);
