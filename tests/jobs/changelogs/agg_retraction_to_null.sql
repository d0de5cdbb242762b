-- Aggregates whose values are all taken back while their group stays: SUM, AVG, MIN, MAX, FIRST_VALUE, LISTAGG are NULL again, COUNT is 0, ARRAY_AGG and COLLECT what is left.
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_retraction_to_null_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":null,"after":{"id":1,"v":null,"s":null},"op":"c"}'),
  ('{"before":null,"after":{"id":2,"v":5,"s":"p"},"op":"c"}'),
  ('{"before":null,"after":{"id":3,"v":7,"s":"q"},"op":"c"}'),
  ('{"before":{"id":2,"v":5,"s":"p"},"after":null,"op":"d"}'),
  ('{"before":{"id":3,"v":7,"s":"q"},"after":{"id":3,"v":null,"s":null},"op":"u"}'),
  ('{"before":null,"after":{"id":4,"v":1,"s":""},"op":"c"}');
CREATE TABLE changes (id INT, v INT, s STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_retraction_to_null_changes', 'format' = 'debezium-json');
SELECT COUNT(*), COUNT(v), SUM(v), AVG(v), MIN(v), MAX(v) FROM changes;
SELECT FIRST_VALUE(s), LAST_VALUE(s), LISTAGG(s), COUNT(DISTINCT s) FROM changes;
SELECT ARRAY_AGG(v), COLLECT(s) FROM changes;
SELECT SUM(CAST(v AS DECIMAL(10, 2))), AVG(CAST(v AS DOUBLE)), SUM(DISTINCT v), SUM(v) FILTER (WHERE id > 2) FROM changes;
