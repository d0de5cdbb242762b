-- CURRENT_WATERMARK: NULL before the first watermark, then the watermark before the row itself; its type follows the column's; late rows found with it.
SET 'pipeline.auto-watermark-interval' = '0 ms';
SET 'table.local-time-zone' = 'Asia/Tokyo';
CREATE TABLE bids (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/current_watermark_bids', 'format' = 'json');
INSERT INTO bids VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:00:00.500', 2), (TIMESTAMP '2024-05-01 09:59:00', 4), (TIMESTAMP '2024-05-01 10:00:03', 8), (TIMESTAMP '2024-05-01 10:00:02', 16);
SELECT v, CURRENT_WATERMARK(ts), ts <= CURRENT_WATERMARK(ts) FROM bids;
SELECT v FROM bids WHERE CURRENT_WATERMARK(ts) IS NULL OR ts > CURRENT_WATERMARK(ts);
CREATE TABLE events (ms BIGINT, v INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/current_watermark_events', 'format' = 'json');
INSERT INTO events VALUES (1714521600000, 1), (1714522500000, 2);
SELECT v, CURRENT_WATERMARK(ts), TYPEOF(CURRENT_WATERMARK(ts)) FROM events;
SELECT v, TYPEOF(CURRENT_WATERMARK(ts)) FROM bids;
SELECT CURRENT_WATERMARK(ms) FROM events;
SELECT CURRENT_WATERMARK(CAST(ts AS TIMESTAMP(3))) FROM bids;
SELECT CURRENT_WATERMARK(ts) FROM (SELECT ts FROM (VALUES (TIMESTAMP '2024-05-01 10:00:00.000')) AS t (ts));
