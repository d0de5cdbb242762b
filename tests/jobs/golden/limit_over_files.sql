-- The order of rows read from files is not defined: compared sorted.
CREATE TABLE lines_in (id INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/lines', 'format' = 'csv');
INSERT INTO lines_in VALUES (7), (7), (7), (7);
SELECT id + 1 FROM lines_in LIMIT 3;
