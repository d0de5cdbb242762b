-- Windows over the last row of each key: ROW_NUMBER keeps the time attribute.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/top_n_in_windows_bids', 'format' = 'json');
CREATE VIEW lasts AS SELECT ts, item, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY ts DESC) AS rn FROM bids) WHERE rn = 1;
DESCRIBE lasts;
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:01', 'a', 1), (TIMESTAMP '2024-05-01 10:00:05', 'a', 2), (TIMESTAMP '2024-05-01 10:00:07', 'b', 4);
SELECT window_start, COUNT(*), SUM(v) FROM TUMBLE(TABLE lasts, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
