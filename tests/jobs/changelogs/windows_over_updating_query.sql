-- Window functions over an updating query: the time attribute is gone.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/windows_over_updating_query_bids', 'format' = 'json');
CREATE VIEW per_ts AS SELECT ts, COUNT(*) AS n FROM bids GROUP BY ts;
DESCRIBE per_ts;
SELECT window_start, SUM(n) FROM TUMBLE(TABLE per_ts, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
