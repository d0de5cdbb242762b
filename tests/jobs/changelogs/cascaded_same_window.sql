-- A window function over the rows of another window: names that are there already, and a second aggregate by the same window columns, which is a window aggregate again.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/cascaded_same_window_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 'a', 1), (TIMESTAMP '2024-05-01 10:00:02', 'b', 2), (TIMESTAMP '2024-05-01 10:00:04', 'b', 4), (TIMESTAMP '2024-05-01 10:00:14', 'a', 8);
CREATE VIEW per_item AS SELECT window_start, window_end, window_time, item, SUM(v) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, window_time, item;
SELECT window_start, window_end, COUNT(*), MAX(s) FROM per_item GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) FROM TUMBLE(TABLE per_item, DESCRIPTOR(window_time), INTERVAL '20' SECOND) GROUP BY window_start, window_end;
SELECT window_start0, window_end0, COUNT(*) FROM TUMBLE(TABLE per_item, DESCRIPTOR(window_time), INTERVAL '20' SECOND) GROUP BY window_start0, window_end0;
SELECT * FROM TUMBLE(TABLE per_item, DESCRIPTOR(window_time), INTERVAL '20' SECOND);
