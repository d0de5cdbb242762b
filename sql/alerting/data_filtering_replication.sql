-- Alerting tutorial, job 5: the alerts of the hosts happy and sleepy, from Kafka into the OpenSearch index cpu_high_load.
--
-- OpenSearch takes 'yyyy/MM/dd …' for a date by itself, so the index can be searched by time.
-- hh is the 12-hour clock, as in Java: 20:37 becomes 08:37. It is the tutorial's own pattern; for your own jobs use HH.
-- Both connections are blank: the integrations in millstream.toml (written by `make up`) fill them.

SET 'pipeline.name' = 'data_filtering_replication';

-- The same definition as in job 3, which writes this topic.
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

INSERT INTO CPU_OUT_OS
WITH HIGH_LOAD AS (
  SELECT
    DATE_FORMAT(time_ltz, 'yyyy/MM/dd hh:mm:ss') AS time_ltz,
    hostname,
    cpu,
    usage AS USAGE,
    threshold
  FROM CPU_OUT_FILTER_PG
  WHERE hostname IN ('happy', 'sleepy')
)
SELECT time_ltz, hostname, cpu, USAGE, threshold FROM HIGH_LOAD
