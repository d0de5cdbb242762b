-- Windows of an hour in a zone that is 5:45 off begin at full local hours over TIMESTAMP_LTZ. The watermark waits for the end: see bug_zone_windows_lost.
SET 'table.local-time-zone' = 'Asia/Kathmandu';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/zone_kathmandu_hours_events', 'format' = 'json');
INSERT INTO events VALUES (1714521600000, 1), (1714522500000, 2), (1714525200000, 4), (1714526100000, 8);
SELECT ts, window_start, window_end, window_time, v FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY, INTERVAL '5' HOUR) WHERE window_end < TIMESTAMP '2024-05-01 09:00:00' GROUP BY window_start, window_end;
SELECT TUMBLE_START(ts, INTERVAL '1' HOUR), TUMBLE_END(ts, INTERVAL '1' HOUR), TUMBLE_ROWTIME(ts, INTERVAL '1' HOUR), SUM(v) FROM events GROUP BY TUMBLE(ts, INTERVAL '1' HOUR);
