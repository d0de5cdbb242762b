-- Alerting tutorial, job 1: every reading above 80 percent, from one Kafka topic into another.
--
-- The connection is blank: the Kafka integration in millstream.toml (written by `make up`) fills it.
-- time_ltz is an instant and the alert's time a plain TIMESTAMP: it is the wall clock of 'table.local-time-zone', UTC unless set.

SET 'pipeline.name' = 'simple_filter';

CREATE TABLE CPU_IN (
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  occurred_at BIGINT,
  time_ltz AS TO_TIMESTAMP_LTZ(occurred_at, 3),
  WATERMARK FOR time_ltz AS time_ltz - INTERVAL '10' SECOND
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'scan.startup.mode' = 'earliest-offset',
  'topic' = 'cpu_load_stats_real',
  'value.format' = 'json'
);

CREATE TABLE CPU_OUT_FILTER (
  time_ltz TIMESTAMP(3),
  hostname STRING,
  cpu STRING,
  usage DOUBLE
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'topic' = 'cpu_load_stats_real_filter',
  'value.format' = 'json'
);

INSERT INTO CPU_OUT_FILTER
SELECT
  time_ltz,
  hostname,
  cpu,
  usage
FROM CPU_IN
WHERE usage > 80
