-- Rowtimes of TIMESTAMP(0) and TIMESTAMP_LTZ(0), with windows of half a second and their window_time in milliseconds.
SET 'table.local-time-zone' = 'Asia/Tokyo';
CREATE TABLE plain (ts TIMESTAMP(0), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_over_seconds_plain', 'format' = 'json');
INSERT INTO plain VALUES (TIMESTAMP '2024-05-01 10:00:00', 1), (TIMESTAMP '2024-05-01 10:00:01', 2);
SELECT *  FROM TUMBLE(TABLE plain, DESCRIPTOR(ts), INTERVAL '0.5' SECOND);
SELECT window_start, window_end, window_time, MAX(ts), SUM(v) FROM TUMBLE(TABLE plain, DESCRIPTOR(ts), INTERVAL '2' SECOND) GROUP BY window_start, window_end, window_time;
CREATE TABLE instants (ms BIGINT, v INT, ts AS CAST(TO_TIMESTAMP_LTZ(ms, 3) AS TIMESTAMP_LTZ(0)), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/window_over_seconds_instants', 'format' = 'json');
INSERT INTO instants VALUES (1714525200500, 1), (1714525201999, 2);
SELECT ts, window_start, window_end, window_time FROM TUMBLE(TABLE instants, DESCRIPTOR(ts), INTERVAL '1' SECOND);
