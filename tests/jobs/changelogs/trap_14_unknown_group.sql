-- A row taken back from a group that is not known is dropped (trap 14); its value counts when it is not the last of a known one.
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_14_unknown_group_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":{"id":1,"k":"a","v":5},"after":null,"op":"d"}'),
  ('{"before":null,"after":{"id":2,"k":"a","v":1},"op":"c"}'),
  ('{"before":null,"after":{"id":3,"k":"a","v":2},"op":"c"}'),
  ('{"before":{"id":4,"k":"a","v":50},"after":null,"op":"d"}'),
  ('{"before":{"id":5,"k":"a","v":60},"after":null,"op":"d"}'),
  ('{"before":{"id":6,"k":"a","v":70},"after":null,"op":"d"}'),
  ('{"before":null,"after":{"id":7,"k":"a","v":4},"op":"c"}');
CREATE TABLE changes (id INT, k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_14_unknown_group_changes', 'format' = 'debezium-json');
SELECT k, COUNT(*), SUM(v), MAX(v), MIN(v), COUNT(DISTINCT v), AVG(v) FROM changes GROUP BY k;
SELECT COUNT(*), SUM(v) FROM changes;
