-- The options of watermarks on a table whose connector makes none of its own: taken, refused, or without effect; an idle timeout in the settings.
CREATE TABLE on_event (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_options_rows', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event');
INSERT INTO on_event VALUES (TIMESTAMP '2024-05-01 10:00:01', 1), (TIMESTAMP '2024-05-01 10:00:12', 2), (TIMESTAMP '2024-05-01 10:00:05', 4);
SELECT window_start, SUM(v) FROM TUMBLE(TABLE on_event, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
CREATE TABLE idle (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_options_rows', 'format' = 'json', 'scan.watermark.idle-timeout' = '1 s');
SELECT window_start, SUM(v) FROM TUMBLE(TABLE idle, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
CREATE TABLE wrong (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_options_rows', 'format' = 'json', 'scan.watermark.emit.strategy' = 'sometimes');
SELECT window_start, SUM(v) FROM TUMBLE(TABLE wrong, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
CREATE TABLE plain (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_options_rows', 'format' = 'json');
SELECT window_start, SUM(v) FROM TUMBLE(TABLE plain /*+ OPTIONS('scan.watermark.emit.strategy' = 'on-event') */, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
CREATE TABLE source_made (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS SOURCE_WATERMARK()) WITH ('connector' = 'filesystem', 'path' = '{folder}/watermark_options_rows', 'format' = 'json');
SELECT window_start, SUM(v) FROM TUMBLE(TABLE source_made, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
