-- The order of rows read from files is not defined: compared sorted.
-- Columns that an INSERT does not name are NULL.
CREATE TABLE people (id INT, name STRING, score DOUBLE) WITH ('connector' = 'filesystem', 'path' = '{folder}/people', 'format' = 'json');
INSERT INTO people (name, id) VALUES ('doc', 1), ('happy', 2);
INSERT INTO people (score, id) SELECT 1.5, 3;
SELECT * FROM people;
SELECT name FROM people WHERE score IS NULL AND id > 1;
