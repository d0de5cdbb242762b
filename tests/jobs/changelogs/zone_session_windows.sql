-- SESSION windows over TIMESTAMP_LTZ across the missing and the doubled hour of New York.
SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE) WITH ('connector' = 'filesystem', 'path' = '{folder}/zone_session_windows_events', 'format' = 'json');
INSERT INTO events VALUES (1710053700000, 1), (1710054300000, 2), (1710058500000, 4), (1730609700000, 8), (1730610300000, 16), (1730613900000, 32);
SELECT window_start, window_end, SUM(v) FROM SESSION(TABLE events, DESCRIPTOR(ts), INTERVAL '20' MINUTE) GROUP BY window_start, window_end;
SELECT SESSION_START(ts, INTERVAL '20' MINUTE), SESSION_END(ts, INTERVAL '20' MINUTE), SESSION_ROWTIME(ts, INTERVAL '20' MINUTE), SUM(v) FROM events GROUP BY SESSION(ts, INTERVAL '20' MINUTE);
