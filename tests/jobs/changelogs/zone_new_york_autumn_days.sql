-- Windows of a day on the day when summer time ends in New York (2024-11-03 has 25 hours), over TIMESTAMP_LTZ. The watermark waits for the end: see bug_zone_windows_lost.
SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '30' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/zone_new_york_autumn_days_events', 'format' = 'json');
INSERT INTO events VALUES (1730606399999, 1), (1730606400000, 2), (1730613600000, 4), (1730696399999, 8), (1730696400000, 16);
SELECT ts, v FROM events;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' DAY) GROUP BY window_start, window_end;
SELECT ts, window_start, window_end, window_time FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' DAY);
SELECT TUMBLE_START(ts, INTERVAL '1' DAY), TUMBLE_END(ts, INTERVAL '1' DAY), TUMBLE_ROWTIME(ts, INTERVAL '1' DAY), SUM(v) FROM events GROUP BY TUMBLE(ts, INTERVAL '1' DAY);
