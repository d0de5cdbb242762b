-- Alerting tutorial, job 2: the average and the highest usage of every CPU in each half minute of event time.
--
-- A window's rows come out once, when the watermark has passed its end: with the first reading that is ten seconds younger.
-- A reading that comes after that finds its window closed: it is dropped, and counted.
-- A partition without readings holds up time for five seconds (scan.watermark.idle-timeout), not for ever.
-- The connection is blank: the Kafka integration in millstream.toml (written by `make up`) fills it.

SET 'pipeline.name' = 'simple_agg';

CREATE TABLE CPU_IN (
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  occurred_at BIGINT,
  time_ltz AS TO_TIMESTAMP_LTZ(occurred_at, 3),
  WATERMARK FOR time_ltz AS time_ltz - INTERVAL '10' SECONDS
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.idle-timeout' = '5 s',
  'topic' = 'cpu_load_stats_real',
  'value.format' = 'json'
);

CREATE TABLE CPU_OUT_AGG (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  hostname STRING,
  cpu STRING,
  usage_avg DOUBLE,
  usage_max DOUBLE
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'topic' = 'cpu_load_stats_agg',
  'value.format' = 'json'
);

INSERT INTO CPU_OUT_AGG
SELECT
  window_start,
  window_end,
  hostname,
  cpu,
  AVG(usage),
  MAX(usage)
FROM TABLE( TUMBLE( TABLE CPU_IN, DESCRIPTOR(time_ltz), INTERVAL '30' SECONDS))
GROUP BY
  window_start,
  window_end,
  hostname,
  cpu
