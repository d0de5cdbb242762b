-- With a state TTL a row that leaves the result as it was emits it again (trap 15), in plain aggregates, DISTINCT and by hint.
SET 'table.exec.state.ttl' = '1 h';
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_15_unchanged_with_ttl_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 3), ('a', 1), ('b', 5), ('a', 3);
SELECT k, MAX(v) FROM x GROUP BY k;
SELECT DISTINCT k FROM x;
SELECT COUNT(DISTINCT k) FROM x;
SET 'table.exec.state.ttl' = '0 ms';
SELECT /*+ STATE_TTL('x' = '1d') */ k, MAX(v) FROM x GROUP BY k;
SELECT /*+ STATE_TTL('y' = '1d') */ k, MAX(v) FROM x GROUP BY k;
