-- Changes read from files of debezium-json: inserts, updates as two rows, deletes, and what aggregates and filters make of them.
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/changes_debezium_json_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":null,"after":{"id":1,"k":"a","v":1},"op":"r"}'),
  ('{"before":null,"after":{"id":2,"k":"a","v":2},"op":"c"}'),
  ('{"before":{"id":1,"k":"a","v":1},"after":{"id":1,"k":"b","v":10},"op":"u"}'),
  ('{"before":{"id":2,"k":"a","v":2},"after":{"id":2,"k":"a","v":2},"op":"u"}'),
  ('{"before":{"id":2,"k":"a","v":2},"after":null,"op":"d"}'),
  ('{"before":null,"after":{"id":3,"k":null,"v":4},"op":"c"}'),
  ('{"before":{"id":9,"k":"z","v":99},"after":null,"op":"d"}');
CREATE TABLE changes (id INT, k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/changes_debezium_json_changes', 'format' = 'debezium-json');
SELECT * FROM changes;
SELECT id, v FROM changes WHERE v > 1;
SELECT k, COUNT(*), SUM(v), MIN(v), MAX(v) FROM changes GROUP BY k;
SELECT COUNT(*), SUM(v), AVG(v), COUNT(DISTINCT k), LISTAGG(k) FROM changes;
SELECT DISTINCT k FROM changes;
