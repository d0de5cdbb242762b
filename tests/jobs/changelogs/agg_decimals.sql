-- SUM and AVG of decimals: DECIMAL(38, s) and DECIMAL(38, max(6, s)); a sum beyond 38 digits is NULL.
CREATE TABLE x (k INT, a DECIMAL(10, 2), b DECIMAL(38, 10), c DECIMAL(5, 0), e DECIMAL(38, 0)) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_decimals_x', 'format' = 'json');
INSERT INTO x SELECT k, CAST(NULLIF(a, -99) AS DECIMAL(10, 2)), b, c, CAST(e AS DECIMAL(38, 0)) FROM (VALUES
  (1, 1.10, 1.0000000001, 1, '99999999999999999999999999999999999999'),
  (1, 2.25, 2, 2, '1'),
  (1, -99, 4, 4, '-5')) AS t (k, a, b, c, e);
SELECT SUM(a), AVG(a), MIN(a), MAX(a), TYPEOF(SUM(a)), TYPEOF(AVG(a)) FROM x;
SELECT SUM(b), AVG(b), TYPEOF(AVG(b)), SUM(c), AVG(c), TYPEOF(AVG(c)) FROM x;
SELECT SUM(e), AVG(e), MAX(e) FROM x;
SELECT SUM(a) / COUNT(*), TYPEOF(SUM(a) / COUNT(*)), AVG(a) * 1.5, TYPEOF(AVG(a) * 1.5) FROM x;
