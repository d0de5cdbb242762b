-- The alerting story with nothing installed: seven hosts report how busy their CPUs are, each host has its own threshold
-- in a small file, and every reading above it is printed as an alert.
--
--     cargo run -- run sql/quickstart.sql
--
-- Four readings a second, the same every time, for one minute; the first one is an alert already. Ctrl-C stops earlier.
-- On Flink it would run as it is but for one thing: looking up rows in a file is an addition of Millstream's.

SET 'pipeline.name' = 'quickstart';

-- The readings: numbers from 1 to 240, and what we make of each.
CREATE TABLE CPU_IN (
  reading INT,
  hostname AS ELT(MOD(reading, 7) + 1, 'doc', 'grumpy', 'sleepy', 'bashful', 'happy', 'sneezy', 'dopey'),
  cpu AS 'cpu' || CAST(MOD(reading, 4) + 1 AS STRING),
  usage AS MOD(reading * 371 + 560, 1000) / 1E1,
  proctime AS PROCTIME()
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '4',
  'fields.reading.kind' = 'sequence',
  'fields.reading.start' = '1',
  'fields.reading.end' = '240'
);

-- What each host is allowed.
CREATE TABLE SOURCE_THRESHOLDS (
  hostname STRING,
  allowed_top INT
) WITH (
  'connector' = 'filesystem',
  'path' = 'sql/quickstart/thresholds.csv',
  'format' = 'csv'
);

CREATE TABLE ALERTS (
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  threshold INT
) WITH (
  'connector' = 'print'
);

INSERT INTO ALERTS
SELECT CPU.hostname, cpu, usage, allowed_top
FROM CPU_IN CPU
JOIN SOURCE_THRESHOLDS FOR SYSTEM_TIME AS OF proctime AS ST
  ON CPU.hostname = ST.hostname
WHERE usage > allowed_top;
