-- Days before 1970 over TIMESTAMP_LTZ in a zone west of Greenwich (trap 9).
SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_09_before_1970_zone_events', 'format' = 'json');
INSERT INTO events VALUES (-86400000, 1), (-68400001, 2), (-68400000, 4), (-1, 8), (0, 16);
SELECT ts, window_start, window_end, window_time, v FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' DAY);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' DAY) GROUP BY window_start, window_end;
