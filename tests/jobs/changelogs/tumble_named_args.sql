-- TUMBLE by names of arguments, in any order; what Flink does with lower-case names, with DATA not first, with missing and unknown names.
CREATE TABLE bids (ts TIMESTAMP(3), price INT, WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/tumble_named_args_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 10), (TIMESTAMP '2024-05-01 10:00:25', 20), (TIMESTAMP '2024-05-01 10:00:31', 40);
SELECT window_start, window_end, SUM(price) FROM TUMBLE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TABLE(TUMBLE(DATA => TABLE bids, SIZE => INTERVAL '10' SECOND, TIMECOL => DESCRIPTOR(ts))) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TABLE(TUMBLE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '10' SECOND, `OFFSET` => INTERVAL '5' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM tumble(DATA => TABLE bids, TIMECOL => descriptor(ts), SIZE => interval '10' second) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(data => TABLE bids, timecol => DESCRIPTOR(ts), size => INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TABLE(TUMBLE(TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '10' SECOND, DATA => TABLE bids)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TABLE(TUMBLE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts))) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TABLE(TUMBLE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), LENGTH => INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), SIZE => INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(price) FROM TUMBLE(DATA => TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
