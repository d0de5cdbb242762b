-- The order of the groups of one batch is not defined: compared sorted. Mini-batches of 3 rows with several groups (trap 42): the counts that come between, in one phase, where they do not depend on that order; and in two phases with room for all rows.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 h';
SET 'table.exec.mini-batch.size' = '3';
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_42_mini_batch_keys_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('b', 2), ('a', 3), ('c', 4), ('b', 5), ('b', 6), ('a', 7), ('c', 8);
SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
SELECT DISTINCT k FROM x;
SELECT k, COUNT(*) FROM x GROUP BY k HAVING COUNT(*) > 1;
SET 'table.optimizer.agg-phase-strategy' = 'AUTO';
SET 'table.exec.mini-batch.size' = '100';
SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
SELECT COUNT(DISTINCT v), MAX(v), LAST_VALUE(v) FROM x;
SELECT n, COUNT(*) FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k) GROUP BY n;
