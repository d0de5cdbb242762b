-- An INSERT writes every result once (the order of rows is not defined).
CREATE TABLE sums (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/sums', 'format' = 'csv');
CREATE TABLE more (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/more', 'format' = 'csv');
CREATE TABLE counts (k STRING, c BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/counts', 'format' = 'csv');
INSERT INTO sums SELECT k, SUM(v) FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) AS t (k, v) GROUP BY k;
SELECT * FROM sums;
EXECUTE STATEMENT SET BEGIN INSERT INTO more SELECT k, n + 1 FROM sums; INSERT INTO counts SELECT k, COUNT(*) FROM sums GROUP BY k; END;
SELECT * FROM more;
SELECT * FROM counts;
