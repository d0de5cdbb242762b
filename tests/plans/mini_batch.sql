-- Where net changes are told: by themselves where nobody can see it, and in mini-batches.
CREATE TABLE readings (hostname STRING, cpu STRING, `usage` INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
CREATE TABLE counts (hostname STRING PRIMARY KEY NOT ENFORCED, n BIGINT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 'counts');
CREATE TABLE sums (s INT NOT NULL, hostname STRING PRIMARY KEY NOT ENFORCED) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 'sums');
CREATE TABLE indexed (hostname STRING PRIMARY KEY NOT ENFORCED, n BIGINT) WITH ('connector' = 'opensearch', 'hosts' = 'http://h:9200', 'index' = 'counts');
CREATE TABLE indexed_by_count (hostname STRING PRIMARY KEY NOT ENFORCED, n BIGINT) WITH ('connector' = 'opensearch', 'hosts' = 'http://h:9200', 'index' = 'counts-{n}');
CREATE TABLE topic (hostname STRING PRIMARY KEY NOT ENFORCED, n BIGINT) WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'h:9092', 'key.format' = 'json', 'value.format' = 'json');
-- Only the last row of a key is kept.
EXPLAIN INSERT INTO counts SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN INSERT INTO counts SELECT hostname, COUNT(*) AS n FROM readings GROUP BY hostname HAVING COUNT(*) > 2;
EXPLAIN INSERT INTO indexed SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN INSERT INTO topic /*+ OPTIONS('sink.buffer-flush.max-rows' = '100', 'sink.buffer-flush.interval' = '1 s') */ SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
-- Every change is seen: by a division, a constraint, an index per count, deletes of documents, a reader of a topic, a console, another grouping.
EXPLAIN INSERT INTO counts SELECT hostname, 10 / COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN INSERT INTO sums SELECT SUM(`usage`), hostname FROM readings GROUP BY hostname;
EXPLAIN INSERT INTO indexed_by_count SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN INSERT INTO indexed SELECT hostname, COUNT(*) FROM readings GROUP BY hostname HAVING COUNT(*) < 9;
EXPLAIN INSERT INTO topic SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN SELECT n, COUNT(*) FROM (SELECT hostname, COUNT(*) AS n FROM readings GROUP BY hostname) GROUP BY n;
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '2 s';
SET 'table.exec.mini-batch.size' = '1000';
EXPLAIN CHANGELOG_MODE INSERT INTO counts SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN CHANGELOG_MODE SELECT n, COUNT(*) FROM (SELECT hostname, COUNT(*) AS n FROM readings GROUP BY hostname) GROUP BY n;
EXPLAIN SELECT hostname, LAST_VALUE(cpu) FROM readings GROUP BY hostname;
-- By event time where there is a window; groupings by TUMBLE(...) know no mini-batches.
EXPLAIN SELECT n, COUNT(*) FROM (SELECT hostname, COUNT(*) AS n FROM TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY hostname, window_start, window_end) GROUP BY n;
EXPLAIN SELECT n, COUNT(*) FROM (SELECT hostname, COUNT(*) AS n FROM readings GROUP BY hostname, TUMBLE(ts, INTERVAL '10' SECOND)) GROUP BY n;
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
EXPLAIN SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
