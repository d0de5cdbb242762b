-- A row that is as the one before it is no change: 0.0 and -0.0 are two values, NaN is one.
SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE raw_lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/changes_of_doubles_changes', 'format' = 'raw');
INSERT INTO raw_lines VALUES
  ('{"before":null,"after":{"k":1,"d":0.0},"op":"c"}'),
  ('{"before":null,"after":{"k":1,"d":-0.0},"op":"c"}'),
  ('{"before":null,"after":{"k":1,"d":-0.0},"op":"c"}'),
  ('{"before":null,"after":{"k":1,"d":"NaN"},"op":"c"}'),
  ('{"before":null,"after":{"k":1,"d":"NaN"},"op":"c"}'),
  ('{"before":null,"after":{"k":1,"d":0.0},"op":"c"}');
CREATE TABLE changes (k INT, d DOUBLE, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '{folder}/changes_of_doubles_changes', 'format' = 'debezium-json');
SELECT * FROM changes;
