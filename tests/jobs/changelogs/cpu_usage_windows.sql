-- The order of the keys of one window is not defined: compared sorted. Averages and maxima of usage per host and cpu in windows of 30 seconds over instants in Tokyo, out of order and late.
SET 'table.local-time-zone' = 'Asia/Tokyo';
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE CPU_IN (hostname STRING, cpu STRING, `usage` DOUBLE, ms BIGINT, time_ltz AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR time_ltz AS time_ltz - INTERVAL '5' SECONDS) WITH ('connector' = 'filesystem', 'path' = '{folder}/cpu_usage_windows_CPU_IN', 'format' = 'json');
INSERT INTO CPU_IN VALUES
  ('h1', 'cpu0', 10.5, 1714521600000), ('h1', 'cpu1', 20, 1714521601000), ('h2', 'cpu0', 99.9, 1714521602000), ('h1', 'cpu0', 30.5, 1714521629999),
  ('h1', 'cpu1', 50, 1714521634000), ('h2', 'cpu0', 0.1, 1714521628000), ('h1', 'cpu0', 70, 1714521635000), ('h1', 'cpu1', 40, 1714521629999), ('h2', 'cpu0', 100, 1714521630000),
  ('h2', 'cpu1', 12.25, 1714521700000), ('h1', 'cpu0', 1, 1714521650000), ('h2', 'cpu1', 7.75, 1714521690000);
CREATE TABLE CPU_OUT_AGG (window_start TIMESTAMP(3), window_end TIMESTAMP(3), hostname STRING, cpu STRING, usage_avg DOUBLE, usage_max DOUBLE) WITH ('connector' = 'filesystem', 'path' = '{folder}/cpu_usage_windows_CPU_OUT_AGG', 'format' = 'json');
INSERT INTO CPU_OUT_AGG SELECT window_start, window_end, hostname, cpu, AVG(`usage`) AS `USAGE`, MAX(`usage`) FROM TABLE( TUMBLE( TABLE CPU_IN, DESCRIPTOR(time_ltz), INTERVAL '30' SECONDS)) GROUP BY window_start, window_end, hostname, cpu;
SELECT * FROM CPU_OUT_AGG;
SELECT window_start, COUNT(*) FROM (SELECT window_start, window_end, hostname, cpu, AVG(`usage`) AS `USAGE` FROM TABLE( TUMBLE( TABLE CPU_IN, DESCRIPTOR(time_ltz), INTERVAL '30' SECONDS)) GROUP BY window_start, window_end, hostname, cpu) WHERE `USAGE` > 15 GROUP BY window_start;
