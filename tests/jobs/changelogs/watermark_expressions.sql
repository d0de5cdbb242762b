-- Watermark strategies as expressions: a fixed delay, another column, a computed rowtime, one that goes back; what is refused.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE delayed (ts TIMESTAMP(3), wm TIMESTAMP(3), v INT, WATERMARK FOR ts AS wm) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_expressions_delayed', 'format' = 'json');
INSERT INTO delayed VALUES (TIMESTAMP '2024-05-01 10:00:00', TIMESTAMP '2024-05-01 09:00:00', 1), (TIMESTAMP '2024-05-01 10:01:00', TIMESTAMP '2024-05-01 10:05:00', 2), (TIMESTAMP '2024-05-01 10:02:00', TIMESTAMP '2024-05-01 08:00:00', 4), (TIMESTAMP '2024-05-01 10:06:00', TIMESTAMP '2024-05-01 10:05:30', 8);
SELECT v, CURRENT_WATERMARK(ts) FROM delayed;
SELECT window_start, SUM(v) FROM TUMBLE(TABLE delayed, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
CREATE TABLE texts (s STRING, v INT, ts AS TO_TIMESTAMP(s), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_expressions_texts', 'format' = 'json');
INSERT INTO texts VALUES ('2024-05-01 10:00:00', 1), ('2024-05-01 10:00:10.5', 2);
SELECT window_start, SUM(v) FROM TUMBLE(TABLE texts, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
CREATE TABLE bad1 (ts TIMESTAMP(6), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_expressions_bad1', 'format' = 'json');
CREATE TABLE bad2 (ts STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_expressions_bad2', 'format' = 'json');
CREATE TABLE bad3 (ts TIMESTAMP(3), WATERMARK FOR other AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_expressions_bad3', 'format' = 'json');
CREATE TABLE bad4 (ts TIMESTAMP(3), WATERMARK FOR ts AS 5) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_expressions_bad4', 'format' = 'json');
CREATE TABLE bad5 (ts TIMESTAMP(3), t2 TIMESTAMP(3), WATERMARK FOR ts AS ts, WATERMARK FOR t2 AS t2) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_expressions_bad5', 'format' = 'json');
