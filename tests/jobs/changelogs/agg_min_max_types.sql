-- MIN and MAX of texts, times, dates, booleans, decimals, as rows come; texts compare by their bytes.
CREATE TABLE x (s STRING, c CHAR(3), b BOOLEAN, dt DATE, tm TIME, t TIMESTAMP(6), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_min_max_types_x', 'format' = 'json');
INSERT INTO x SELECT s, CAST(c AS CHAR(3)), CAST(NULLIF(b, 'none') AS BOOLEAN), NULLIF(dt, DATE '0001-01-01'), NULLIF(tm, TIME '00:00:01'), CAST(NULLIF(t, TIMESTAMP '0001-01-01 00:00:00') AS TIMESTAMP(6)), CAST(NULLIF(l, 'none') AS TIMESTAMP_LTZ(3)) FROM (VALUES
  ('b', 'bbb', 'true', DATE '2024-05-01', TIME '10:00:00', TIMESTAMP '2024-05-01 10:00:00.123456', '2024-05-01 10:00:00.5'),
  ('B', 'ab', 'false', DATE '1969-12-31', TIME '09:59:59', TIMESTAMP '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999'),
  ('ä', 'zzz', 'none', DATE '2024-05-02', TIME '23:59:59', TIMESTAMP '2024-05-01 10:00:00.123457', '2024-05-01 10:00:00.6'),
  ('', 'a', 'true', DATE '0001-01-01', TIME '00:00:01', TIMESTAMP '0001-01-01 00:00:00', 'none')) AS t (s, c, b, dt, tm, t, l);
SELECT MIN(s), MAX(s), MIN(c), MAX(c), MIN(b), MAX(b) FROM x;
SELECT MIN(dt), MAX(dt), MIN(tm), MAX(tm), MIN(t), MAX(t), MIN(l), MAX(l) FROM x;
SELECT MIN(v) FROM (VALUES (ARRAY[1]), (ARRAY[2])) AS t (v);
SELECT SUM(v) FROM (VALUES ('a'), ('b')) AS t (v);
SELECT AVG(v) FROM (VALUES (TRUE), (FALSE)) AS t (v);
SELECT SUM(v) FROM (VALUES (DATE '2024-05-01')) AS t (v);
