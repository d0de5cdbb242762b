-- The order of rows read from files is not defined: compared sorted.
-- Computed columns are read, not written; their order is the declared one.
CREATE TABLE loads (host STRING, total AS a + b, a INT, b INT, occurred_at BIGINT, time_ltz AS TO_TIMESTAMP_LTZ(occurred_at, 3), loud AS UPPER(host)) WITH ('connector' = 'filesystem', 'path' = '{folder}/loads', 'format' = 'json');
INSERT INTO loads VALUES ('doc', 1, 2, 1633956789277), ('happy', CAST(NULL AS INT), 5, 0);
SELECT * FROM loads;
SELECT total, loud FROM loads WHERE total > 2;
