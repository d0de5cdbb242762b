-- Ten million keys: a GROUP BY that keeps a count and a sum of every key for ever, each key twice.
--
--     /usr/bin/time -v millstream run --set parallelism.default=1 --metrics :9090 benches/group_by_many_keys.sql
--
-- tells the seconds and the peak of memory; http://localhost:9090/metrics the keys and bytes of the state.

SET 'pipeline.name' = 'group_by_many_keys';

CREATE TABLE READINGS (
  n BIGINT,
  sensor AS CONCAT('sensor-', CAST(MOD(n * 7919, 10000000) AS STRING))
) WITH (
  'connector' = 'datagen',
  'number-of-rows' = '20000000',
  'rows-per-second' = '1000000000',
  'fields.n.kind' = 'sequence',
  'fields.n.start' = '1',
  'fields.n.end' = '20000000'
);

CREATE TABLE COUNTED (sensor STRING, readings BIGINT, total BIGINT, PRIMARY KEY (sensor) NOT ENFORCED) WITH ('connector' = 'blackhole');

INSERT INTO COUNTED SELECT sensor, COUNT(*), SUM(n) FROM READINGS GROUP BY sensor;
