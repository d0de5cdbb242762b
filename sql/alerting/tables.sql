-- The tutorial's tables, for looking: every topic is read from its beginning to its present end, so a SELECT comes to an end.
-- Readings that are written by hand all go to the first partition ('sink.partitioner' = 'fixed').
--
--     millstream run sql/alerting/tables.sql -e "SELECT * FROM CPU_OUT_FILTER"

SET 'table.display.max-column-width' = '19';

CREATE TABLE CPU_IN (
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  occurred_at BIGINT,
  time_ltz AS TO_TIMESTAMP_LTZ(occurred_at, 3)
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'topic' = 'cpu_load_stats_real',
  'sink.partitioner' = 'fixed',
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

CREATE TABLE CPU_OUT_FILTER (
  time_ltz TIMESTAMP(3),
  hostname STRING,
  cpu STRING,
  usage DOUBLE
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'topic' = 'cpu_load_stats_real_filter',
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
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'topic' = 'cpu_load_stats_agg',
  'value.format' = 'json'
);

CREATE TABLE CPU_OUT_FILTER_PG (
  threshold INT
) WITH (
  'topic' = 'cpu_load_stats_real_filter_pg'
) LIKE CPU_OUT_FILTER;

CREATE TABLE CPU_OUT_AGG_PG (
  time_ltz TIMESTAMP(3),
  nr_cpus_over_threshold BIGINT,
  PRIMARY KEY (time_ltz) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://',
  'table-name' = 'public.cpu_load_stats_agg_pg'
);

CREATE TABLE CPU_OUT_OS (
  time_ltz STRING,
  hostname STRING,
  cpu STRING,
  usage DOUBLE,
  threshold INT
) WITH (
  'connector' = 'opensearch',
  'hosts' = '',
  'index' = 'cpu_high_load'
);
