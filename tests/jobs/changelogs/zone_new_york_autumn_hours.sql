-- Windows of an hour around the hour that comes twice (01:00 to 02:00 of 2024-11-03 in New York), over TIMESTAMP_LTZ: both hours are one window by the local clock.
SET 'table.local-time-zone' = 'America/New_York';
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/zone_new_york_autumn_hours_events', 'format' = 'json');
INSERT INTO events VALUES (1730606400000, 1), (1730610000000, 2), (1730613599999, 4), (1730613600000, 8), (1730617199999, 16), (1730617200000, 32);
SELECT ts, v FROM events;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' MINUTE) GROUP BY window_start, window_end;
SELECT ts, window_start, window_end, window_time FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR);
SELECT window_start, window_end, SUM(v) FROM HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '2' HOUR) GROUP BY window_start, window_end;
