-- Insert-only sinks refuse what updates, with the node that does (trap 34): aggregates, DISTINCT, Top-N, a LEFT JOIN, UNION, a filter over an aggregate, one window column only.
CREATE TABLE x (id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_34_insert_only_sinks_x', 'format' = 'json');
CREATE TABLE y (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_34_insert_only_sinks_y', 'format' = 'json');
CREATE TABLE out_n (k STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_34_insert_only_sinks_out_n', 'format' = 'json');
CREATE TABLE out_k (k STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_34_insert_only_sinks_out_k', 'format' = 'csv');
INSERT INTO out_n SELECT k, COUNT(*) FROM x GROUP BY k;
INSERT INTO out_n SELECT k, COUNT(*) FROM x GROUP BY k HAVING COUNT(*) > 1;
INSERT INTO out_n SELECT 'all', COUNT(*) FROM x;
INSERT INTO out_k SELECT DISTINCT k FROM x;
INSERT INTO out_k SELECT k FROM x UNION SELECT name FROM y;
INSERT INTO out_k SELECT k FROM x GROUP BY k;
INSERT INTO out_k SELECT y.name FROM x LEFT JOIN y ON x.id = y.id;
INSERT INTO out_k SELECT k FROM (SELECT k, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS rn FROM x) WHERE rn <= 2;
INSERT INTO out_k SELECT k FROM x ORDER BY v LIMIT 2;
INSERT INTO out_n SELECT DATE_FORMAT(window_start, 'HH:mm'), COUNT(*) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start;
INSERT INTO out_n SELECT k, n FROM (SELECT k, COUNT(*) AS n FROM x GROUP BY k) WHERE n > 5 UNION ALL SELECT k, 1 FROM x;
INSERT INTO out_n SELECT n, COUNT(*) FROM (SELECT CAST(COUNT(*) AS STRING) AS n FROM x GROUP BY k) GROUP BY n;
