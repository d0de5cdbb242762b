CREATE TABLE a (id INT, ts AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'broker:9092', 'format' = 'json');
CREATE TABLE b (id INT, name STRING, WATERMARK FOR name AS name) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'broker:9092', 'format' = 'json');
CREATE TABLE c (id INT, ts TIMESTAMP(6), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'broker:9092', 'format' = 'json');
CREATE TABLE d (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS id) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'broker:9092', 'format' = 'json');
CREATE TABLE e (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5') WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'broker:9092', 'format' = 'json');
CREATE TABLE f (id INT, ts TIMESTAMP(3), ts2 TIMESTAMP(3), WATERMARK FOR ts AS ts, WATERMARK FOR ts2 AS ts2) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'broker:9092', 'format' = 'json');
SELECT PROCTIME(1);
