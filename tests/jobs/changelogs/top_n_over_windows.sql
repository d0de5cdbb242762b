-- Window Top-N and window deduplication: rows come when the window ends, ranked.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/top_n_over_windows_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:01', 'a', 1), (TIMESTAMP '2024-05-01 10:00:02', 'b', 5), (TIMESTAMP '2024-05-01 10:00:03', 'c', 3), (TIMESTAMP '2024-05-01 10:00:12', 'a', 2);
SELECT window_start, item, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC) AS rn FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE rn <= 2;
SELECT window_start, item, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY ts ASC) AS rn FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE rn = 1;
