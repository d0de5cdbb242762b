-- The averages of windows over a threshold that is a grouping key, counted by window_start alone: an updating aggregate over a window aggregate.
CREATE TABLE cpu (ts TIMESTAMP(3), hostname STRING, cpu STRING, `usage` DOUBLE, allowed_top DOUBLE, WATERMARK FOR ts AS ts - INTERVAL '5' SECONDS) WITH ('connector' = 'filesystem', 'path' = '{folder}/count_of_windows_over_threshold_cpu', 'format' = 'json');
INSERT INTO cpu VALUES
  (TIMESTAMP '2024-05-01 10:00:01', 'h1', 'cpu0', 80.5, 70), (TIMESTAMP '2024-05-01 10:00:02', 'h1', 'cpu1', 60, 70), (TIMESTAMP '2024-05-01 10:00:11', 'h1', 'cpu0', 90.5, 70),
  (TIMESTAMP '2024-05-01 10:00:15', 'h2', 'cpu0', 95, 90), (TIMESTAMP '2024-05-01 10:00:31', 'h1', 'cpu1', 71, 70), (TIMESTAMP '2024-05-01 10:00:40', 'h2', 'cpu0', 20, 90), (TIMESTAMP '2024-05-01 10:01:10', 'h2', 'cpu0', 20, 90);
WITH averages AS (SELECT window_start, window_end, hostname, cpu, allowed_top, AVG(`usage`) AS `USAGE` FROM TABLE( TUMBLE( TABLE cpu, DESCRIPTOR(ts), INTERVAL '30' SECONDS)) GROUP BY window_start, window_end, hostname, cpu, allowed_top)
SELECT window_start AS time_ltz, COUNT(*) AS nr_cpus_over_threshold FROM averages WHERE `USAGE` > allowed_top GROUP BY window_start;
