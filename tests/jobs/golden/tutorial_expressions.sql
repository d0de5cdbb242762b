-- What the alerting jobs compute, over rows in place of the topic.
SET 'table.local-time-zone' = 'UTC';
CREATE TEMPORARY VIEW cpu_in AS SELECT hostname, cpu, `usage`, occurred_at, TO_TIMESTAMP_LTZ(occurred_at, 3) AS time_ltz FROM (VALUES ('doc', 'cpu4', CAST(98.3 AS DOUBLE), 1633956789277), ('happy', 'cpu1', CAST(80.0 AS DOUBLE), 1633956790000), ('sleepy', 'cpu2', CAST(80.5 AS DOUBLE), 1633956791001)) AS t (hostname, cpu, `usage`, occurred_at);
SELECT time_ltz, hostname, cpu, `usage` FROM cpu_in WHERE `usage` > 80;
SELECT DATE_FORMAT(time_ltz, 'yyyy/MM/dd hh:mm:ss') AS time_ltz, hostname, cpu, `usage` AS USAGE, 80 AS threshold FROM cpu_in WHERE hostname IN ('happy', 'sleepy');
WITH filtered AS (SELECT * FROM cpu_in CPU WHERE CPU.`usage` > 80) SELECT CAST(time_ltz AS TIMESTAMP(3)), CPU.cpu FROM filtered CPU;
