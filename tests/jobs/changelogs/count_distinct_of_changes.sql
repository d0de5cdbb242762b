-- COUNT(DISTINCT), SUM(DISTINCT) and FILTER over changes of debezium-json: a value counts until its last row is gone.
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/count_distinct_of_changes_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":null,"after":{"id":1,"v":5},"op":"c"}'),
  ('{"before":null,"after":{"id":2,"v":5},"op":"c"}'),
  ('{"before":null,"after":{"id":3,"v":7},"op":"c"}'),
  ('{"before":{"id":1,"v":5},"after":null,"op":"d"}'),
  ('{"before":{"id":2,"v":5},"after":{"id":2,"v":7},"op":"u"}'),
  ('{"before":{"id":3,"v":7},"after":{"id":3,"v":null},"op":"u"}');
CREATE TABLE changes (id INT, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/count_distinct_of_changes_changes', 'format' = 'debezium-json');
SELECT COUNT(DISTINCT v), SUM(DISTINCT v), COUNT(*) FROM changes;
SELECT COUNT(DISTINCT v) FILTER (WHERE id > 1), MIN(v), MAX(v), AVG(v) FROM changes;
SELECT STDDEV_POP(v), VAR_SAMP(v) FROM changes;
SELECT v, COUNT(*) FROM changes GROUP BY v;
