-- The plans over sources of changes: debezium-json with and without a key, upsert-kafka with its normalisation, where it can be left out, duplicates.
CREATE TABLE changes (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '{folder}/sources_of_changes_changes', 'format' = 'debezium-json');
CREATE TABLE changes_no_key (id INT, k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/sources_of_changes_changes_no_key', 'format' = 'debezium-json');
CREATE TABLE upserts (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'localhost:9092', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE out_pg (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://localhost:5432/db', 'table-name' = 't', 'username' = 'u', 'password' = 'p');
EXPLAIN CHANGELOG_MODE SELECT * FROM changes;
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(*), SUM(v) FROM changes_no_key GROUP BY k;
EXPLAIN CHANGELOG_MODE SELECT * FROM upserts;
EXPLAIN CHANGELOG_MODE SELECT id, v FROM upserts WHERE v > 10;
EXPLAIN CHANGELOG_MODE SELECT id, v FROM upserts WHERE id > 10;
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(*), SUM(v) FROM upserts GROUP BY k;
EXPLAIN CHANGELOG_MODE INSERT INTO out_pg SELECT * FROM upserts;
EXPLAIN CHANGELOG_MODE INSERT INTO out_pg SELECT * FROM upserts WHERE v > 10;
EXPLAIN CHANGELOG_MODE INSERT INTO out_pg SELECT * FROM upserts WHERE id > 10;
EXPLAIN CHANGELOG_MODE INSERT INTO out_pg SELECT * FROM changes;
SET 'table.exec.source.cdc-events-duplicate' = 'true';
EXPLAIN CHANGELOG_MODE SELECT * FROM changes;
EXPLAIN CHANGELOG_MODE SELECT * FROM changes_no_key;
