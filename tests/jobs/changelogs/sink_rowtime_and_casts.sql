-- Window results into sinks: window_time of an LTZ window into TIMESTAMP and TIMESTAMP_LTZ columns in the session zone, COUNT into BIGINT, INT and DOUBLE columns, wider decimals.
SET 'table.local-time-zone' = 'Asia/Tokyo';
CREATE TABLE events (ms BIGINT, v DECIMAL(6, 2), ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/sink_rowtime_and_casts_events', 'format' = 'json');
INSERT INTO events VALUES (1714521600000, 1.50), (1714521605000, 2.75), (1714521700000, 4.00);
CREATE TABLE out_all (a TIMESTAMP(3), b TIMESTAMP_LTZ(3), c TIMESTAMP_LTZ(3), d DOUBLE, e DECIMAL(38, 2), f STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/sink_rowtime_and_casts_out_all', 'format' = 'json');
INSERT INTO out_all SELECT window_start, window_start, window_time, COUNT(*), SUM(v), CAST(SUM(v) AS STRING) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end, window_time;
SELECT * FROM out_all;
CREATE TABLE out_int (n INT, s DECIMAL(10, 1)) WITH ('connector' = 'filesystem', 'path' = '{folder}/sink_rowtime_and_casts_out_int', 'format' = 'json');
INSERT INTO out_int SELECT COUNT(*), SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
INSERT INTO out_int SELECT CAST(COUNT(*) AS INT), SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT * FROM out_int;
