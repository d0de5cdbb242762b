-- Sources of changes: what they give, where the last row of every key is kept, and what that makes of it.
CREATE TABLE changes (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'h:9092', 'format' = 'debezium-json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE upserts (id INT, k STRING, v INT NOT NULL, at_ms BIGINT, ts AS TO_TIMESTAMP_LTZ(at_ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'h:9092', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE upserted (id INT PRIMARY KEY NOT ENFORCED, v INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 'counts');
CREATE TABLE topic (k STRING PRIMARY KEY NOT ENFORCED, n BIGINT) WITH ('connector' = 'upsert-kafka', 'topic' = 'out', 'properties.bootstrap.servers' = 'h:9092', 'key.format' = 'json', 'value.format' = 'json', 'sink.buffer-flush.max-rows' = '100', 'sink.buffer-flush.interval' = '1 s');
EXPLAIN CHANGELOG_MODE SELECT * FROM changes;
EXPLAIN CHANGELOG_MODE INSERT INTO upserted SELECT id, v FROM changes WHERE v > 1;
EXPLAIN CHANGELOG_MODE INSERT INTO topic SELECT k, COUNT(*) FROM changes GROUP BY k;
EXPLAIN CHANGELOG_MODE SELECT id, v FROM upserts WHERE v > 10 AND ts > TIMESTAMP '2024-01-01 00:00:00';
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(*), MAX(ts) FROM upserts GROUP BY k;
EXPLAIN CHANGELOG_MODE INSERT INTO upserted SELECT id, v FROM upserts;
SET 'table.exec.source.cdc-events-duplicate' = 'true';
EXPLAIN CHANGELOG_MODE INSERT INTO upserted SELECT id, v FROM changes WHERE id > 1;
EXPLAIN CHANGELOG_MODE STATEMENT SET BEGIN INSERT INTO upserted SELECT id, v FROM changes WHERE v > 1; INSERT INTO topic SELECT k, COUNT(*) FROM changes GROUP BY k; END;
