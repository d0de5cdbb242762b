-- The hosts of the alerting tutorial: readings of seven hosts with four CPUs each, as JSON, into a Kafka topic.
--
--     {"hostname":"doc","cpu":"cpu4","usage":98.3,"occurred_at":1633956789277}
--
-- A reading arrives up to eight seconds after it was taken, so the topic is out of order as in life.
-- Three lines are there to be changed; they are marked TOPIC, RATE and COUNT.

SET 'pipeline.name' = 'producer';

CREATE TABLE CPU_LOAD (hostname STRING, cpu STRING, usage DOUBLE, occurred_at BIGINT) WITH (
  'topic' = 'cpu_load_stats_real',     -- TOPIC
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '',
  'format' = 'json'
);

CREATE TABLE DICE (host INT, core INT, load_percent DOUBLE, delay_ms INT) WITH (
  'rows-per-second' = '10',            -- RATE
  'number-of-rows' = '36000',          -- COUNT: one hour's worth; without this line the stream never ends
  'connector' = 'datagen',
  'fields.host.min' = '1',
  'fields.host.max' = '7',
  'fields.core.min' = '1',
  'fields.core.max' = '4',
  'fields.load_percent.min' = '0',
  'fields.load_percent.max' = '100',
  'fields.delay_ms.min' = '0',
  'fields.delay_ms.max' = '7000'
);

-- UNIX_TIMESTAMP() counts whole seconds: with up to seven more for the delay, a reading is at most eight seconds old.
INSERT INTO CPU_LOAD
SELECT
  ELT(host, 'doc', 'grumpy', 'sleepy', 'bashful', 'happy', 'sneezy', 'dopey'),
  CONCAT('cpu', CAST(core AS STRING)),
  ROUND(load_percent, 1),
  1000 * UNIX_TIMESTAMP() - delay_ms
FROM DICE;
