-- HOP over TIMESTAMP_LTZ in Tokyo with late rows, slides that are full hours of UTC.
SET 'table.local-time-zone' = 'Asia/Tokyo';
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/hop_cumulate_late_in_zone_events', 'format' = 'json');
INSERT INTO events VALUES (1714521600000, 1), (1714525200000, 2), (1714524000000, 4), (1714532400000, 8), (1714524000000, 16);
SELECT ts, v, CURRENT_WATERMARK(ts) FROM events;
SELECT window_start, window_end, COUNT(*), SUM(v) FROM HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '2' HOUR) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(v) FROM CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '3' HOUR) GROUP BY window_start, window_end;
SELECT window_start, window_end, window_time, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end, window_time;
