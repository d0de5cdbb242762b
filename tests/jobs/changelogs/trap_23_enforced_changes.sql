-- The enforcer of lengths over an updating result: its keys are trimmed, after they were grouped.
SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD';
CREATE TABLE x (s STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_23_enforced_changes_x', 'format' = 'json');
INSERT INTO x VALUES ('abcdef'), ('ab'), ('abcxyz'), ('abcdef');
CREATE TABLE out_changes (k VARCHAR(3), n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_23_enforced_changes_out_changes', 'format' = 'debezium-json');
INSERT INTO out_changes SELECT s, COUNT(*) FROM x GROUP BY s;
SELECT * FROM out_changes;
