-- The plans of GROUP BY TUMBLE, HOP and SESSION with their changelog modes, and with late firing.
CREATE TABLE bids (ts TIMESTAMP(3), item STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/legacy_windows_bids', 'format' = 'json');
EXPLAIN CHANGELOG_MODE SELECT TUMBLE_START(ts, INTERVAL '30' SECOND), item, AVG(v) FROM bids GROUP BY TUMBLE(ts, INTERVAL '30' SECOND), item;
EXPLAIN CHANGELOG_MODE SELECT HOP_ROWTIME(ts, INTERVAL '10' SECOND, INTERVAL '30' SECOND), COUNT(*) FROM bids GROUP BY HOP(ts, INTERVAL '10' SECOND, INTERVAL '30' SECOND);
EXPLAIN CHANGELOG_MODE SELECT SESSION_END(ts, INTERVAL '10' SECOND), item, COUNT(*) FROM bids GROUP BY SESSION(ts, INTERVAL '10' SECOND), item;
SET 'table.exec.emit.late-fire.enabled' = 'true';
SET 'table.exec.emit.late-fire.delay' = '0 ms';
SET 'table.exec.emit.allow-lateness' = '1 min';
EXPLAIN CHANGELOG_MODE SELECT TUMBLE_START(ts, INTERVAL '30' SECOND), item, AVG(v) FROM bids GROUP BY TUMBLE(ts, INTERVAL '30' SECOND), item;
