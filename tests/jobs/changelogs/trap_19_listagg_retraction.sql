-- LISTAGG, FIRST_VALUE, LAST_VALUE, COLLECT and ARRAY_AGG over changes: a row taken back removes one occurrence, what comes again comes at the end (trap 19).
CREATE TABLE x (id INT, s STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_19_listagg_retraction_x', 'format' = 'json');
INSERT INTO x SELECT id, NULLIF(s, 'none') FROM (VALUES
  (1, 'a'),
  (2, 'b'),
  (3, 'a'),
  (1, 'c'),
  (3, 'b'),
  (2, 'none')) AS t (id, s);
CREATE VIEW counted AS SELECT id, LAST_VALUE(s) AS s, COUNT(*) AS n FROM x GROUP BY id;
SELECT LISTAGG(s), LISTAGG(s, '+') FROM counted;
SELECT FIRST_VALUE(s), LAST_VALUE(s) FROM counted;
SELECT ARRAY_AGG(s) FROM counted;
SELECT COLLECT(s) FROM counted;
SELECT LISTAGG(DISTINCT s) FROM counted;
