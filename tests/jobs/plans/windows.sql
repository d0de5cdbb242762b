-- The plans of window aggregates with their changelog modes: two phases and one, HOP, CUMULATE, SESSION, DISTINCT, a cascade, window_start alone.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/windows_bids', 'format' = 'json');
EXPLAIN CHANGELOG_MODE SELECT window_start, window_end, item, AVG(v), MAX(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '30' SECOND) GROUP BY window_start, window_end, item;
EXPLAIN CHANGELOG_MODE SELECT window_start, window_end, COUNT(*) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND) GROUP BY window_start, window_end;
EXPLAIN CHANGELOG_MODE SELECT window_start, window_end, item, COUNT(DISTINCT v) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND) GROUP BY window_start, window_end, item;
EXPLAIN CHANGELOG_MODE SELECT window_start, window_end, item, COUNT(*) FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, item;
EXPLAIN CHANGELOG_MODE SELECT window_start, COUNT(*) FROM (SELECT window_start, window_end, item, AVG(v) AS a FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '30' SECOND) GROUP BY window_start, window_end, item) WHERE a > 5 GROUP BY window_start;
EXPLAIN CHANGELOG_MODE SELECT window_start, item, COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '30' SECOND) GROUP BY window_start, window_end, ROLLUP (item);
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
EXPLAIN CHANGELOG_MODE SELECT window_start, window_end, item, AVG(v), MAX(v) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '30' SECOND) GROUP BY window_start, window_end, item;
