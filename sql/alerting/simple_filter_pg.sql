-- Alerting tutorial, job 3: every host has its own threshold, kept in PostgreSQL and read anew for each reading.
--
-- An UPDATE of public.cpu_thresholds decides from the next reading on; alerts already written stay as they are.
-- Both connections are blank: the integrations in millstream.toml (written by `make up`) fill them.

SET 'pipeline.name' = 'simple_filter_pg';

CREATE TABLE CPU_IN (
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  occurred_at BIGINT,
  proctime AS PROCTIME(),
  time_ltz AS TO_TIMESTAMP_LTZ(occurred_at, 3),
  WATERMARK FOR time_ltz AS time_ltz - INTERVAL '10' SECONDS
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'scan.startup.mode' = 'earliest-offset',
  'topic' = 'cpu_load_stats_real',
  'value.format' = 'json'
);

CREATE TABLE SOURCE_THRESHOLDS (
  hostname STRING,
  allowed_top INT
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://',
  'table-name' = 'public.cpu_thresholds'
);

-- The same definition as in job 5, which reads what this job writes: scan options do no harm to a sink.
CREATE TABLE CPU_OUT_FILTER_PG (
  time_ltz TIMESTAMP(3),
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  threshold INT
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'scan.startup.mode' = 'earliest-offset',
  'topic' = 'cpu_load_stats_real_filter_pg',
  'value.format' = 'json'
);

INSERT INTO CPU_OUT_FILTER_PG
SELECT
  time_ltz,
  CPU.hostname,
  cpu,
  usage,
  allowed_top AS threshold
FROM CPU_IN CPU
INNER JOIN SOURCE_THRESHOLDS FOR SYSTEM_TIME AS OF proctime AS ST
  ON CPU.hostname = ST.hostname
WHERE usage > allowed_top;
