-- Windows over generated rows with a rowtime computed from a sequence.
SET 'pipeline.auto-watermark-interval' = '0 ms';
CREATE TABLE numbers (n INT, ts AS TO_TIMESTAMP_LTZ(1714521600000 + n * 1000, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'number-of-rows' = '25', 'rows-per-second' = '1000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '24');
SELECT window_start, window_end, COUNT(*), SUM(n), MIN(n), MAX(n) FROM TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT MOD(n, 3), COUNT(*), SUM(n) FROM numbers WHERE n < 6 GROUP BY MOD(n, 3);
