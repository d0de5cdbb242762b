-- One phase and two give the same windows, for sums, averages, distinct counts and minima; keys one a window.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_agg_phases_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:08', 'a', 2), (TIMESTAMP '2024-05-01 10:00:11', 'b', 7), (TIMESTAMP '2024-05-01 10:00:09', 'a', 4), (TIMESTAMP '2024-05-01 10:00:19', 'b', 7), (TIMESTAMP '2024-05-01 10:00:31', 'c', 5);
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
SELECT window_start, item, COUNT(*), SUM(v), AVG(v), MIN(v), COUNT(DISTINCT v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
SET 'table.optimizer.agg-phase-strategy' = 'TWO_PHASE';
SELECT window_start, item, COUNT(*), SUM(v), AVG(v), MIN(v), COUNT(DISTINCT v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
SET 'table.optimizer.distinct-agg.split.enabled' = 'true';
SELECT window_start, item, COUNT(DISTINCT v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
