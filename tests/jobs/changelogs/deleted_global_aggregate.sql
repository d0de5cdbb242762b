-- A global aggregate that loses its last row is deleted, not zero, and comes again as an insert; a group of NULL, too.
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/deleted_global_aggregate_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":null,"after":{"id":1,"v":5},"op":"c"}'),
  ('{"before":{"id":1,"v":5},"after":{"id":1,"v":6},"op":"u"}'),
  ('{"before":{"id":1,"v":6},"after":null,"op":"d"}'),
  ('{"before":null,"after":{"id":2,"v":null},"op":"c"}'),
  ('{"before":{"id":2,"v":null},"after":null,"op":"d"}'),
  ('{"before":null,"after":{"id":3,"v":1},"op":"c"}');
CREATE TABLE changes (id INT, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/deleted_global_aggregate_changes', 'format' = 'debezium-json');
SELECT COUNT(*), SUM(v) FROM changes;
SELECT v, COUNT(*) FROM changes GROUP BY v;
SELECT COUNT(*) FROM (SELECT v, COUNT(*) FROM changes GROUP BY v);
