-- HAVING as rows enter and leave the condition: each half of an update is filtered on its own, so a group that enters comes as +U alone and one that leaves as -U alone; the same as a filter over a subquery.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/having_enters_and_leaves_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 5), ('a', 10), ('b', 20), ('a', -12), ('a', 9), ('b', 1), ('a', 1), ('b', -30);
SELECT k, SUM(v) FROM x GROUP BY k HAVING SUM(v) > 10;
SELECT k, s FROM (SELECT k, SUM(v) AS s FROM x GROUP BY k) WHERE s > 10;
SELECT k, COUNT(*) FROM x GROUP BY k HAVING SUM(v) > 10;
SELECT k FROM x GROUP BY k HAVING SUM(v) > 10;
SELECT s FROM (SELECT k, SUM(v) AS s FROM x GROUP BY k) WHERE k = 'b';
