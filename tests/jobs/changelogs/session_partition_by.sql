-- SESSION windows per key, by position and by name; the windows of different keys come in order of their ends.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, price INT, WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE) WITH ('connector' = 'filesystem', 'path' = '{folder}/session_partition_by_bids', 'format' = 'json');
INSERT INTO bids VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:07', 'b', 2), (TIMESTAMP '2024-05-01 10:00:09', 'a', 4),
  (TIMESTAMP '2024-05-01 10:00:20', 'a', 8), (TIMESTAMP '2024-05-01 10:00:30', 'a', 16), (TIMESTAMP '2024-05-01 10:03:00', 'b', 32);
SELECT window_start, window_end, item, COUNT(*), SUM(price) FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
SELECT window_start, window_end, item, SUM(price) FROM TABLE(SESSION(DATA => TABLE bids PARTITION BY item, TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '5' SECOND)) GROUP BY item, window_start, window_end;
SELECT window_start, window_end, item, SUM(price) FROM TABLE(SESSION(TABLE bids PARTITION BY (item), DESCRIPTOR(ts), INTERVAL '2' MINUTE)) GROUP BY item, window_start, window_end;
SELECT window_start, window_end, item, price, COUNT(*) FROM SESSION(TABLE bids PARTITION BY (item, price), DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item, price;
