-- Both halves of an update go to the groups of their own keys when the key of the next aggregate changes (trap 35): first what is taken back, then what is new; also through a sink of changes, and with a HAVING that lets only one half through.
CREATE TABLE x (id INT, k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_35_rekeyed_changes_x', 'format' = 'json');
INSERT INTO x VALUES (1, 'a', 10), (2, 'a', 20), (1, 'b', 10), (2, 'b', 5), (1, 'c', 1);
CREATE VIEW lasts AS SELECT id, LAST_VALUE(k) AS k, LAST_VALUE(v) AS v FROM x GROUP BY id;
SELECT k, COUNT(*), SUM(v), LISTAGG(CAST(id AS STRING)) FROM lasts GROUP BY k;
CREATE TABLE out_changes (k STRING, n BIGINT, s INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_35_rekeyed_changes_out_changes', 'format' = 'debezium-json');
INSERT INTO out_changes SELECT k, COUNT(*), SUM(v) FROM lasts GROUP BY k HAVING SUM(v) > 9;
SELECT * FROM out_changes;
SELECT COUNT(*), SUM(s) FROM (SELECT k, SUM(v) AS s FROM lasts GROUP BY k HAVING SUM(v) > 9);
