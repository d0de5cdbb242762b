-- TUMBLE by position, with and without the outer TABLE( ): a window comes when the watermark passes its end, in order of the ends.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, price INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/tumble_positional_bids', 'format' = 'json');
INSERT INTO bids VALUES
  (TIMESTAMP '2024-05-01 10:00:00', 'a', 10), (TIMESTAMP '2024-05-01 10:00:09.999', 'b', 20), (TIMESTAMP '2024-05-01 10:00:10', 'a', 30),
  (TIMESTAMP '2024-05-01 10:00:31', 'a', 40), (TIMESTAMP '2024-05-01 10:00:39', 'c', 50);
SELECT window_start, window_end, COUNT(*), SUM(price), AVG(price), MIN(item), MAX(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) FROM TABLE( TUMBLE( TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECONDS)) GROUP BY window_start, window_end;
SELECT window_end, SUM(price) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_end, window_start;
SELECT COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
