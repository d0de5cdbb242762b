-- A million keys in a state that is checkpointed every second: what benches/checkpoints.sh runs.
-- RATE rows a second, in the order of the keys: with a million all keys change between two checkpoints.

SET 'pipeline.name' = 'checkpoints';
SET 'execution.checkpointing.interval' = '1s';

CREATE TABLE READINGS (
  n BIGINT,
  sensor AS CONCAT('sensor-', CAST(MOD(n, 1000000) AS STRING))
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = 'RATE',
  'fields.n.kind' = 'sequence',
  'fields.n.start' = '1',
  'fields.n.end' = '1000000000'
);

CREATE TABLE COUNTED (sensor STRING, readings BIGINT, total BIGINT, PRIMARY KEY (sensor) NOT ENFORCED) WITH ('connector' = 'blackhole');

INSERT INTO COUNTED SELECT sensor, COUNT(*), SUM(n) FROM READINGS GROUP BY sensor;
