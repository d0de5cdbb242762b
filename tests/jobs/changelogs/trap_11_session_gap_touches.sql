-- SESSION windows that touch are one: a distance of exactly the gap merges, one millisecond more does not (trap 11).
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_11_session_gap_touches_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:00:10', 2), (TIMESTAMP '2024-05-01 10:00:20.001', 4), (TIMESTAMP '2024-05-01 10:00:40.001', 8), (TIMESTAMP '2024-05-01 10:00:30.001', 16);
SELECT window_start, window_end, COUNT(*), SUM(price) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT SESSION_START(ts, INTERVAL '10' SECOND), SESSION_END(ts, INTERVAL '10' SECOND), COUNT(*), SUM(price) FROM bids GROUP BY SESSION(ts, INTERVAL '10' SECOND);
