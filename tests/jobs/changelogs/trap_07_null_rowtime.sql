-- A NULL in the rowtime column fails the job (trap 7): for windows and for a plain SELECT that does not even read it; a filter after the source does not help. The row comes first: the error is all there is.
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_07_null_rowtime_bids', 'format' = 'json');
INSERT INTO bids SELECT NULLIF(ts, TIMESTAMP '0001-01-01 00:00:00'), v FROM (VALUES
  (TIMESTAMP '0001-01-01 00:00:00', 1),
  (TIMESTAMP '2024-05-01 10:00:00', 2)) AS t (ts, v);
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
SELECT v FROM bids;
SELECT ts, v FROM bids WHERE ts IS NOT NULL;
SELECT window_start, window_end, v FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE);
CREATE VIEW known AS SELECT * FROM bids WHERE v > 1;
SELECT window_start, window_end, SUM(v) FROM TUMBLE(TABLE known, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
