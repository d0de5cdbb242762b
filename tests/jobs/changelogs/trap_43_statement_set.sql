-- A statement set is one job of several inserts over one scan (trap 43): insert-only windows to one, changes to the other.
CREATE TABLE x (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_43_statement_set_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1, TIMESTAMP '2024-05-01 10:00:00'), ('a', 2, TIMESTAMP '2024-05-01 10:00:01'), ('b', 4, TIMESTAMP '2024-05-01 10:00:11');
CREATE TABLE out_windows (window_start TIMESTAMP(3), n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_43_statement_set_out_windows', 'format' = 'json');
CREATE TABLE out_changes (k STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_43_statement_set_out_changes', 'format' = 'debezium-json');
EXECUTE STATEMENT SET BEGIN INSERT INTO out_windows SELECT window_start, COUNT(*) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_end, window_start; INSERT INTO out_changes SELECT k, COUNT(*) FROM x GROUP BY k; END;
SELECT * FROM out_windows;
SELECT * FROM out_changes;
