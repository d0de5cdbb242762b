-- The order of rows read from files is not defined: compared sorted.
CREATE TABLE numbers (n INT, s BIGINT, twice AS n * 2) WITH ('connector' = 'datagen', 'number-of-rows' = '5', 'rows-per-second' = '1000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '5', 'fields.s.kind' = 'sequence', 'fields.s.start' = '10', 'fields.s.end' = '100');
SELECT * FROM numbers;
SELECT n, s FROM numbers WHERE MOD(n, 2) = 1;
