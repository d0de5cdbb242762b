-- A NULL for a NOT NULL column fails the job or is dropped as told (trap 45): from a plain query, from a window aggregate, from an updating one.
CREATE TABLE x (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_45_not_null_enforcer_x', 'format' = 'json');
INSERT INTO x SELECT k, NULLIF(v, -99), ts FROM (VALUES
  ('a', -99, TIMESTAMP '2024-05-01 10:00:00'),
  ('b', 1, TIMESTAMP '2024-05-01 10:00:11'),
  ('a', 2, TIMESTAMP '2024-05-01 10:00:22')) AS t (k, v, ts);
CREATE TABLE out_error (s INT NOT NULL) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_45_not_null_enforcer_out_error', 'format' = 'json');
INSERT INTO out_error SELECT v FROM x;
INSERT INTO out_error SELECT SUM(v) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
CREATE TABLE out_drop (s INT NOT NULL) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_45_not_null_enforcer_out_drop', 'format' = 'json');
INSERT INTO out_drop SELECT SUM(v) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT * FROM out_drop;
CREATE TABLE out_changes (k STRING NOT NULL, s INT NOT NULL) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_45_not_null_enforcer_out_changes', 'format' = 'debezium-json');
INSERT INTO out_changes SELECT k, SUM(v) FROM x GROUP BY k;
SELECT * FROM out_changes;
