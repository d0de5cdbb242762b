-- Late rows around the doubled hour of New York: the window of 01:00 to 02:00 fires by its second end, so row 4, an hour of real time behind, still counts; row 16 does not.
SET 'table.local-time-zone' = 'America/New_York';
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/zone_new_york_late_rows_events', 'format' = 'json');
INSERT INTO events VALUES (1730610000000, 1), (1730615400000, 2), (1730611800000, 4), (1730617200000, 8), (1730611800000, 16), (1730620800000, 32);
SELECT ts, v, CURRENT_WATERMARK(ts) FROM events;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end;
SELECT TUMBLE_START(ts, INTERVAL '1' HOUR), TUMBLE_END(ts, INTERVAL '1' HOUR), TUMBLE_ROWTIME(ts, INTERVAL '1' HOUR), SUM(v) FROM events GROUP BY TUMBLE(ts, INTERVAL '1' HOUR);
