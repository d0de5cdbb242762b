-- The order of rows read from files is not defined: compared sorted.
-- Rows with a NULL for a NOT NULL column are dropped where the job says so.
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
CREATE TABLE strict (id INT NOT NULL, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/strict', 'format' = 'csv');
INSERT INTO strict SELECT * FROM (VALUES (1, 10), (CAST(NULL AS INT), 20), (3, CAST(NULL AS INT))) AS t (id, v);
SELECT * FROM strict;
