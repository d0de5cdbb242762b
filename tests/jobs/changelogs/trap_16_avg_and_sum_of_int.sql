-- AVG of integers is truncated towards zero and of their own type, SUM of integers wraps (trap 16).
CREATE TABLE x (ti TINYINT, i INT, bi BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_16_avg_and_sum_of_int_x', 'format' = 'json');
INSERT INTO x SELECT CAST(ti AS TINYINT), i, bi FROM (VALUES
  (100, 2147483647, 9223372036854775807),
  (100, 1, 1),
  (-3, -2147483648, 9223372036854775807)) AS t (ti, i, bi);
SELECT SUM(ti), AVG(ti), SUM(i), AVG(i), SUM(bi), AVG(bi) FROM x;
SELECT AVG(v), AVG(-v), AVG(v * 1.0), AVG(CAST(v AS DOUBLE)), TYPEOF(AVG(v)), TYPEOF(SUM(v)) FROM (VALUES (3), (4)) AS t (v);
SELECT SUM(v), TYPEOF(SUM(v)) FROM (VALUES (2147483647), (1)) AS t (v);
