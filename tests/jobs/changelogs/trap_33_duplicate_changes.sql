-- A source whose changes may come twice, with a primary key, is normalised (trap 33): the first row of a key is an insert, the same row again is nothing, a delete of an unknown key is swallowed.
SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_33_duplicate_changes_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":{"id":1,"v":0},"after":{"id":1,"v":1},"op":"u"}'),
  ('{"before":{"id":1,"v":0},"after":{"id":1,"v":1},"op":"u"}'),
  ('{"before":null,"after":{"id":2,"v":2},"op":"c"}'),
  ('{"before":{"id":7,"v":7},"after":null,"op":"d"}'),
  ('{"before":{"id":2,"v":2},"after":{"id":2,"v":3},"op":"u"}'),
  ('{"before":{"id":1,"v":99},"after":null,"op":"d"}'),
  ('{"before":null,"after":{"id":1,"v":5},"op":"c"}');
CREATE TABLE changes (id INT, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_33_duplicate_changes_changes', 'format' = 'debezium-json');
SELECT * FROM changes;
SELECT COUNT(*), SUM(v) FROM changes;
SELECT id, v FROM changes WHERE v > 1;
