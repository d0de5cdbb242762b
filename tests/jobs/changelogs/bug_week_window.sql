-- A window of INTERVAL '1' WEEK: Flink reads one hour.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/bug_week_window_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 10), (TIMESTAMP '2024-05-01 10:00:00.250', 20), (TIMESTAMP '2024-05-02 10:00:00.251', 40);
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' WEEK) GROUP BY window_start, window_end;
