-- Aggregates without windows over window aggregates: a global count of windows, a maximum per key that updates, and a window's rank.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_over_windows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:11', 'b', 2), (TIMESTAMP '2024-05-01 10:00:22', 'a', 4), (TIMESTAMP '2024-05-01 10:00:33', 'b', 8);
CREATE VIEW windows AS SELECT window_start, window_end, item, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
SELECT COUNT(*), SUM(s), MAX(window_end) FROM windows;
SELECT item, MAX(s), COUNT(*) FROM windows GROUP BY item;
SELECT DISTINCT item FROM windows;
SELECT window_end, COUNT(*) FROM windows GROUP BY window_end HAVING COUNT(*) > 0;
