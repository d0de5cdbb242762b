-- A row that falls between two open sessions makes one of them, and of all their rows; FIRST_VALUE cannot be merged.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector' = 'filesystem', 'path' = '{folder}/session_merges_three_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'x', 1), (TIMESTAMP '2024-05-01 10:00:18', 'y', 2), (TIMESTAMP '2024-05-01 10:00:09', 'z', 4), (TIMESTAMP '2024-05-01 10:00:50', 'q', 8);
SELECT window_start, window_end, COUNT(*), SUM(v), MIN(item), COUNT(DISTINCT item), LISTAGG(item) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, FIRST_VALUE(item) FROM SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
