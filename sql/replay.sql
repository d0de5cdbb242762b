-- Writes the readings that could not be decoded back to their topic, bytes, key and headers as they were. Stop the job whose
-- table has been mended (or let it run on: it reads them as new messages), then
--
--     millstream run sql/replay.sql
--
-- It begins with the first dead letter there is: run a second time it writes them all once more, unless the topic was emptied
-- or 'scan.startup.mode' is changed to 'timestamp' or 'specific-offsets'.
--
-- `sql/alerting/` reads the topic; its table sends dead letters here with
--
--     'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'DEAD_LETTERS'

SET 'pipeline.name' = 'replay';

CREATE TABLE DEAD_LETTERS (
  `job` STRING,
  `table` STRING,
  `stage` STRING,
  `error` STRING,
  `failed_at` TIMESTAMP_LTZ(3),
  `payload` BYTES,
  `key` BYTES,
  `topic` STRING,
  `partition` INT,
  `offset` BIGINT,
  `headers` MAP<STRING, BYTES>,
  `timestamp` TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'topic' = 'dead_letters',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'value.format' = 'json'
);

CREATE TABLE REPLAYED (
  `payload` BYTES,
  `key` BYTES,
  `headers` MAP<STRING, BYTES> METADATA
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'topic' = 'cpu_load_stats_real',
  'key.format' = 'raw',
  'key.fields' = 'key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
);

INSERT INTO REPLAYED
SELECT `payload`, `key`, `headers`
FROM DEAD_LETTERS
WHERE `stage` = 'decode' AND `topic` = 'cpu_load_stats_real';
