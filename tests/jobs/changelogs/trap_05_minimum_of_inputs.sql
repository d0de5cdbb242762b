-- The watermark of several inputs is their minimum (trap 5): rows of the fast input are not late while the slow one stays behind. UNION ALL of the tables; a window of a day so that timing does not matter.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE fast (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_05_minimum_of_inputs_fast', 'format' = 'json');
CREATE TABLE slow (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts - INTERVAL '1' DAY) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_05_minimum_of_inputs_slow', 'format' = 'json');
INSERT INTO fast VALUES (TIMESTAMP '2024-05-03 10:00:00', 1), (TIMESTAMP '2024-05-02 10:00:00', 2);
INSERT INTO slow VALUES (TIMESTAMP '2024-05-02 09:00:00', 4), (TIMESTAMP '2024-05-01 12:00:00', 8);
CREATE VIEW both_tables AS SELECT * FROM fast UNION ALL SELECT * FROM slow;
SELECT window_start, COUNT(*), SUM(v) FROM TUMBLE(TABLE both_tables, DESCRIPTOR(ts), INTERVAL '1' DAY) GROUP BY window_start, window_end;
