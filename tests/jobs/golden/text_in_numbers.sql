-- A text in a list of numbers is compared as a text. The order of rows is not defined: compared sorted.
CREATE TABLE t (a STRING, n INT, d DECIMAL(5,2)) WITH ('connector' = 'filesystem', 'path' = '{folder}/in_t', 'format' = 'csv');
INSERT INTO t VALUES ('012', 12, 1.50), ('12', 12, 1.50), ('1.50', 1, 1.50), ('1.5', 1, 1.5), ('2', 3, 0);
SELECT a, a IN (12, 13), a IN (n, 2), a IN (1.5), a IN (d), a NOT IN (12, 2) FROM t;
