-- Mini-batches of 4 rows: only the last change of a group in a batch is told of (trap 42); with two phases the second batches the results of the first, so 10 rows of one key give one change. One key only.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 h';
SET 'table.exec.mini-batch.size' = '4';
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_42_mini_batch_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('a', 2), ('a', 3), ('a', 4), ('a', 5), ('a', 6), ('a', 7), ('a', 8), ('a', 9), ('a', 10);
SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
SELECT COUNT(*), MAX(v), MIN(v) FROM x;
SELECT COUNT(*) FROM (SELECT v, COUNT(*) FROM x GROUP BY v);
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
