-- With the default interval of 200 ms a table without its own watermark generator still moves the watermark with every row that is more than 200 ms of event time later (trap 8): 4 is late, 16 is not.
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_08_periodic_watermarks_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:06:00', 2), (TIMESTAMP '2024-05-01 10:01:00', 4), (TIMESTAMP '2024-05-01 10:09:59.800', 8), (TIMESTAMP '2024-05-01 10:10:00.000', 16), (TIMESTAMP '2024-05-01 10:09:00', 32);
SELECT ts, v, CURRENT_WATERMARK(ts) FROM bids;
SELECT window_start, window_end, COUNT(*), SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
