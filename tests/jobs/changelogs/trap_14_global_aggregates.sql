-- A global aggregate of no rows gives nothing while streaming (trap 14), and one row in batch; of some rows it updates.
CREATE TABLE x (v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_14_global_aggregates_x', 'format' = 'json');
INSERT INTO x SELECT NULLIF(v, -99) FROM (VALUES
  (1),
  (-99),
  (3)) AS t (v);
SELECT COUNT(*), SUM(v) FROM x WHERE v > 100;
SELECT COUNT(*), SUM(v), MAX(v) FROM x;
SELECT COUNT(*) FROM x HAVING COUNT(*) > 1;
SELECT 1 FROM x HAVING SUM(v) > 100;
SELECT COUNT(*) FROM (SELECT COUNT(*) FROM x WHERE v > 100);
