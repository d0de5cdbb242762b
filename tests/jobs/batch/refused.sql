-- What Flink refuses in batch mode (the order of errors is theirs).
CREATE TABLE t (k STRING, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/t', 'format' = 'csv');
CREATE TABLE d (a INT) WITH ('connector' = 'datagen');
SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' SECOND));
SELECT COUNT(*) FROM t GROUP BY SESSION(ts, INTERVAL '10' SECOND);
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(pt), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT COUNT(*) FROM t GROUP BY TUMBLE(pt, INTERVAL '10' SECOND);
SELECT CURRENT_WATERMARK(ts) FROM t;
SELECT a FROM d LIMIT 3;
SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(k), INTERVAL '10' SECOND));
CREATE TABLE c (a INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/c', 'format' = 'debezium-json');
SELECT a FROM c;
