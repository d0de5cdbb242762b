-- The order of rows read from files is not defined: compared sorted.
CREATE TABLE base (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/base', 'format' = 'csv');
INSERT INTO base VALUES (1, 'a;b'), (2, 'c');
CREATE TABLE semi WITH ('path' = '{folder}/semi', 'csv.field-delimiter' = ';') LIKE base;
INSERT INTO semi SELECT * FROM base;
SELECT * FROM semi;
SELECT id, name FROM semi /*+ OPTIONS('path' = '{folder}/base', 'csv.field-delimiter' = ',') */ WHERE id = 2;
