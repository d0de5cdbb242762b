-- Plans that Flink refuses, with its words: windows that are not windowed, joins and Top-N over windows that do not fit, OVER on changes, retractions into sinks of inserts.
CREATE TABLE x (id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/errors_x', 'format' = 'json');
CREATE TABLE changes (id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/errors_changes', 'format' = 'debezium-json');
CREATE TABLE out_json (k STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/errors_out_json', 'format' = 'json');
EXPLAIN SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY ts) FROM changes;
EXPLAIN SELECT k, v FROM x ORDER BY v;
EXPLAIN SELECT k, v FROM changes ORDER BY ts;
EXPLAIN SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v) AS rn FROM TUMBLE(TABLE changes, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE rn <= 3;
EXPLAIN SELECT a.k, b.v FROM (SELECT * FROM TUMBLE(TABLE changes, DESCRIPTOR(ts), INTERVAL '10' SECOND)) a JOIN (SELECT * FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND)) b ON a.k = b.k AND a.window_start = b.window_start AND a.window_end = b.window_end;
EXPLAIN SELECT a.k, b.v FROM (SELECT * FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '10' SECOND)) a JOIN (SELECT * FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '20' SECOND)) b ON a.k = b.k AND a.window_start = b.window_start AND a.window_end = b.window_end;
EXPLAIN INSERT INTO out_json SELECT k, v FROM changes;
EXPLAIN INSERT INTO out_json SELECT k, COUNT(*) FROM changes GROUP BY k;
EXPLAIN SELECT RANK() OVER (PARTITION BY k ORDER BY v) FROM x;
EXPLAIN SELECT COUNT(*) FROM x GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
EXPLAIN SELECT MEDIAN(v) FROM x;
EXPLAIN SELECT PERCENTILE(v, 0.5), APPROX_COUNT_DISTINCT(v) FROM x;
