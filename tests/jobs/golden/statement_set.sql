-- The order of rows read from files is not defined: compared sorted.
-- Two sinks, one job.
CREATE TABLE high (id INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/set_high', 'format' = 'csv');
CREATE TABLE low (id INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/set_low', 'format' = 'csv');
CREATE TEMPORARY VIEW numbers AS SELECT * FROM (VALUES (1), (50), (99)) AS t (id);
EXECUTE STATEMENT SET BEGIN INSERT INTO high SELECT id FROM numbers WHERE id > 40; INSERT INTO low SELECT id FROM numbers WHERE id < 60; END;
SELECT 'high' AS what, id FROM high;
SELECT 'low' AS what, id FROM low;
