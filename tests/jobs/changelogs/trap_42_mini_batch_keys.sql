-- The order of the groups of one batch is not defined: compared sorted. Mini-batches of 3 rows with several groups (trap 42): the counts that come between.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 h';
SET 'table.exec.mini-batch.size' = '3';
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_42_mini_batch_keys_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('b', 2), ('a', 3), ('c', 4), ('b', 5), ('b', 6), ('a', 7), ('c', 8);
SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
SELECT DISTINCT k FROM x;
SELECT k, COUNT(*) FROM x GROUP BY k HAVING COUNT(*) > 1;
