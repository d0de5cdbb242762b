-- Windows of an hour and of half an hour around the hour that does not exist (02:00 to 03:00 of 2024-03-10 in New York), over TIMESTAMP_LTZ; late by the local clock or not.
SET 'table.local-time-zone' = 'America/New_York';
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/zone_new_york_spring_hours_events', 'format' = 'json');
INSERT INTO events VALUES (1710050400000, 1), (1710053999999, 2), (1710054000000, 4), (1710055800000, 8), (1710057599999, 16), (1710057600000, 32);
SELECT ts, v FROM events;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' MINUTE) GROUP BY window_start, window_end;
SELECT ts, window_start, window_end, window_time FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR);
SELECT window_start, window_end, SUM(v) FROM CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '4' HOUR) GROUP BY window_start, window_end;
