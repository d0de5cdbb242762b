-- Alerting tutorial, job 4: how many CPUs were above their host's threshold on the average of half a minute.
--
-- The window gives each CPU's average and what its host was allowed. The count over that is no window aggregate: it grows
-- row by row, and goes by its key into public.cpu_load_stats_agg_pg, where a half minute has one row. One in which no CPU
-- was above its threshold has none.
-- The connections are blank: the integrations in millstream.toml (written by `make up`) fill them.

SET 'pipeline.name' = 'simple_filter_pg_agg';

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
  'scan.watermark.idle-timeout' = '5 s',
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

-- The count is a BIGINT here and an int there: what doesn't fit would fail the job, and nothing would be cut off.
CREATE TABLE CPU_OUT_AGG_PG (
  time_ltz TIMESTAMP(3),
  nr_cpus_over_threshold BIGINT,
  PRIMARY KEY (time_ltz) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://',
  'table-name' = 'public.cpu_load_stats_agg_pg'
);

INSERT INTO CPU_OUT_AGG_PG
WITH JOINED_DATA AS (
  SELECT
    CPU.hostname,
    cpu,
    usage,
    time_ltz,
    allowed_top
  FROM CPU_IN CPU
  INNER JOIN SOURCE_THRESHOLDS FOR SYSTEM_TIME AS OF proctime AS ST
    ON CPU.hostname = ST.hostname
),
WINDOWED_30_SECONDS AS (
  SELECT
    window_start,
    window_end,
    hostname,
    cpu,
    AVG(usage) AS USAGE,
    allowed_top
  FROM TABLE( TUMBLE( TABLE JOINED_DATA, DESCRIPTOR(time_ltz), INTERVAL '30' SECONDS))
  GROUP BY
    window_start,
    window_end,
    hostname,
    cpu,
    allowed_top
)
SELECT
  window_start,
  COUNT(*)
FROM WINDOWED_30_SECONDS
WHERE USAGE > allowed_top
GROUP BY window_start
