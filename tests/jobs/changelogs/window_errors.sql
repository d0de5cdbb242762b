-- What window functions refuse, with Flink's messages: an updating input alone, columns that are missing, wrong arguments, window columns outside of a window; an updating input is no error.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_errors_bids', 'format' = 'json');
CREATE TABLE changes (id INT, ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_errors_changes', 'format' = 'debezium-json');
SELECT window_start FROM bids;
SELECT window_start, window_end, item, SUM(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT * FROM TUMBLE(bids, DESCRIPTOR(ts), INTERVAL '10' SECOND);
SELECT * FROM TUMBLE(TABLE bids, ts, INTERVAL '10' SECOND);
SELECT * FROM TUMBLE(TABLE bids, DESCRIPTOR(ts));
SELECT * FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '1' SECOND, INTERVAL '1' SECOND);
SELECT * FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND);
SELECT * FROM TUMBLE(TABLE bids, DESCRIPTOR(), INTERVAL '10' SECOND);
SELECT * FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), '10');
SELECT TUMBLE(ts, INTERVAL '10' SECOND) FROM bids;
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) FROM bids;
EXPLAIN SELECT * FROM TUMBLE(TABLE changes, DESCRIPTOR(ts), INTERVAL '10' SECOND);
EXPLAIN SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), SUM(v) FROM changes GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
EXPLAIN SELECT window_start, window_end, SUM(v) FROM SESSION(TABLE changes, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
