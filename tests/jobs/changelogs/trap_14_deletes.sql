-- A group that loses all its rows is deleted, and comes again as an insert (trap 14).
CREATE TABLE x (id INT, k STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_14_deletes_x', 'format' = 'json');
INSERT INTO x VALUES (1, 'a'), (2, 'a'), (1, 'b'), (2, 'b'), (1, 'a'), (1, 'a');
CREATE VIEW placed AS SELECT id, LAST_VALUE(k) AS k FROM x GROUP BY id;
SELECT k, COUNT(*) FROM placed GROUP BY k;
SELECT k, MIN(id), SUM(id) FROM placed GROUP BY k;
SELECT DISTINCT k FROM placed;
SELECT COUNT(*), MAX(id) FROM placed WHERE k = 'b';
