-- Late rows with one phase and with two: the same rows are dropped (trap 2); keys that come in one window of their own.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_02_late_rows_two_phases_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:01', 'a', 1), (TIMESTAMP '2024-05-01 10:00:11.998', 'a', 2), (TIMESTAMP '2024-05-01 10:00:09', 'a', 4), (TIMESTAMP '2024-05-01 10:00:11.999', 'a', 8), (TIMESTAMP '2024-05-01 10:00:09.999', 'a', 16), (TIMESTAMP '2024-05-01 10:00:10', 'a', 32);
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
SELECT window_start, item, COUNT(*), SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
SET 'table.optimizer.agg-phase-strategy' = 'TWO_PHASE';
SELECT window_start, item, COUNT(*), SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
