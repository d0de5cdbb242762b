-- The alerting story with nothing installed: seven hosts report how busy their CPUs are, each host has its own threshold
-- in a small file. Every reading above it is printed as an alert, and every ten seconds how many each host had.
--
--     cargo run -- run sql/quickstart.sql
--
-- Four readings a second, the same every time, for one minute; the first one is an alert already, the first ten seconds
-- are over after twelve (the live line says what it waits for). Ctrl-C stops earlier.
-- On Flink it would run as it is but for one thing: looking up rows in a file is an addition of Millstream's.

SET 'pipeline.name' = 'quickstart';
SET 'parallelism.default' = '1';  -- so that rows are printed in one order

-- The readings: numbers from 1 to 240, and what we make of each. The first was taken at noon.
CREATE TABLE CPU_IN (
  reading INT,
  hostname AS ELT(MOD(reading, 7) + 1, 'doc', 'grumpy', 'sleepy', 'bashful', 'happy', 'sneezy', 'dopey'),
  cpu AS 'cpu' || CAST(MOD(reading, 4) + 1 AS STRING),
  usage AS MOD(reading * 371 + 560, 1000) / 1E1,
  proctime AS PROCTIME(),
  time_ltz AS TO_TIMESTAMP_LTZ(1633953600000 + (reading - 1) * 250, 3),
  WATERMARK FOR time_ltz AS time_ltz - INTERVAL '2' SECOND
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

CREATE VIEW TOO_BUSY AS
SELECT CPU.hostname, cpu, usage, allowed_top, time_ltz
FROM CPU_IN CPU
JOIN SOURCE_THRESHOLDS FOR SYSTEM_TIME AS OF proctime AS ST
  ON CPU.hostname = ST.hostname
WHERE usage > allowed_top;

CREATE TABLE ALERTS (
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  threshold INT
) WITH (
  'connector' = 'print',
  'print-identifier' = 'alert'
);

CREATE TABLE ALERTS_OF_TEN_SECONDS (
  window_start TIMESTAMP(3),
  hostname STRING,
  alerts BIGINT,
  highest DOUBLE
) WITH (
  'connector' = 'print',
  'print-identifier' = 'ten seconds'
);

-- One job that reads once: rows as they come, and windows of event time when they are over.
EXECUTE STATEMENT SET
BEGIN
INSERT INTO ALERTS
SELECT hostname, cpu, usage, allowed_top FROM TOO_BUSY;

INSERT INTO ALERTS_OF_TEN_SECONDS
SELECT window_start, hostname, COUNT(*), MAX(usage)
FROM TABLE( TUMBLE( TABLE TOO_BUSY, DESCRIPTOR(time_ltz), INTERVAL '10' SECONDS))
GROUP BY window_start, window_end, hostname;
END;
