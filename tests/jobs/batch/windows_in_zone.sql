-- Windows of a TIMESTAMP_LTZ are aligned to the session's zone (the order of rows is not defined).
SET 'table.local-time-zone' = 'America/New_York';
CREATE TEMPORARY VIEW v AS SELECT id, TO_TIMESTAMP_LTZ(ms, 3) AS ts FROM (VALUES (1, 1710049500000), (2, 1710054000000), (3, 1710057600000), (4, 1730606400000), (5, 1730612700000), (6, 1730616300000), (7, -1)) AS x (id, ms);
SELECT window_start, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
SELECT window_start, window_end, window_time, COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, window_time;
SELECT id, window_start, window_end FROM TABLE(HOP(TABLE v, DESCRIPTOR(ts), INTERVAL '6' HOUR, INTERVAL '12' HOUR));
SELECT id, window_start, window_end FROM TABLE(CUMULATE(TABLE v, DESCRIPTOR(ts), INTERVAL '12' HOUR, INTERVAL '1' DAY));
