-- Mini-batches over changes: an aggregate over an aggregate with batches of 2 rows, one key at the top.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 h';
SET 'table.exec.mini-batch.size' = '2';
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/mini_batch_retraction_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('a', 2), ('a', 3), ('a', 4), ('a', 5);
SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
SELECT COUNT(*), SUM(n), MAX(n) FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k);
