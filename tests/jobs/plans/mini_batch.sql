-- The plans of updating aggregates with mini-batches: local and global aggregates, the split of DISTINCT.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '1000';
CREATE TABLE x (k STRING, g STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/mini_batch_x', 'format' = 'json');
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
EXPLAIN CHANGELOG_MODE SELECT n, COUNT(*) FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k) GROUP BY n;
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(DISTINCT v) FROM x GROUP BY k;
EXPLAIN CHANGELOG_MODE SELECT window_start, k, COUNT(*) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '30' SECOND) GROUP BY window_start, window_end, k;
SET 'table.optimizer.distinct-agg.split.enabled' = 'true';
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(DISTINCT v) FROM x GROUP BY k;
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(*), SUM(v) FROM x GROUP BY k;
