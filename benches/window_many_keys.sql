-- Ten million keys in one window, each twice; all of them come out when it is over.
--
--     /usr/bin/time -v millstream run --set parallelism.default=1 --metrics :9090 benches/window_many_keys.sql
--
-- tells the seconds and the peak of memory; http://localhost:9090/metrics the keys and bytes of the state.

SET 'pipeline.name' = 'window_many_keys';

CREATE TABLE READINGS (
  n BIGINT,
  sensor AS CONCAT('sensor-', CAST(MOD(n * 7919, 10000000) AS STRING)),
  ts AS TO_TIMESTAMP_LTZ(n, 3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'datagen',
  'number-of-rows' = '20000000',
  'rows-per-second' = '1000000000',
  'fields.n.kind' = 'sequence',
  'fields.n.start' = '1',
  'fields.n.end' = '20000000'
);

CREATE TABLE AVERAGES (window_start TIMESTAMP(3), sensor STRING, average BIGINT, highest BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO AVERAGES
SELECT window_start, sensor, AVG(n), MAX(n)
FROM TABLE(TUMBLE(TABLE READINGS, DESCRIPTOR(ts), INTERVAL '1' DAY))
GROUP BY window_start, window_end, sensor;
