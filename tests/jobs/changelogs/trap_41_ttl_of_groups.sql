-- State TTL (trap 41), by the hint and by the setting: here far too long to expire; what it changes at once is that unchanged results are told again, for every aggregate of the plan.
SET 'table.exec.state.ttl' = '1 d';
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_41_ttl_of_groups_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('b', 2), ('a', 1);
SELECT MAX(m) FROM (SELECT k, MAX(v) AS m FROM x GROUP BY k);
SELECT k FROM x GROUP BY k HAVING MAX(v) > 1;
