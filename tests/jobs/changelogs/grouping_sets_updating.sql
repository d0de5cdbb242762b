-- GROUPING SETS, ROLLUP and CUBE without windows: every row updates one group of each set, in the order of the sets.
CREATE TABLE sales (shop STRING, item STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/grouping_sets_updating_sales', 'format' = 'json');
INSERT INTO sales SELECT NULLIF(shop, 'none'), item, v FROM (VALUES
  ('s1', 'a', 1),
  ('s1', 'b', 2),
  ('none', 'a', 4)) AS t (shop, item, v);
SELECT shop, item, SUM(v), GROUPING(shop), GROUPING_ID(shop, item) FROM sales GROUP BY GROUPING SETS ((shop, item), (shop), ());
SELECT shop, item, COUNT(*) FROM sales GROUP BY ROLLUP (shop, item);
SELECT shop, item, SUM(v) FROM sales GROUP BY CUBE (shop, item);
SELECT shop, COUNT(*) FROM sales GROUP BY shop, GROUPING SETS ((item), ());
