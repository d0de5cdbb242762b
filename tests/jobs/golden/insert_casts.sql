-- The order of rows read from files is not defined: compared sorted.
-- INSERT casts by position, whatever the names: numbers widen and narrow, an instant becomes local time, numbers become text only by CAST.
SET 'table.local-time-zone' = 'Asia/Tokyo';
CREATE TABLE casts (d DOUBLE, n BIGINT, ts TIMESTAMP(3), s STRING, v VARCHAR(3), dec DECIMAL(6, 2)) WITH ('connector' = 'filesystem', 'path' = '{folder}/casts', 'format' = 'json');
INSERT INTO casts SELECT 1, 2, TO_TIMESTAMP_LTZ(1633956789277, 3), 'text', CAST('abc' AS VARCHAR(3)), 1.005;
INSERT INTO casts VALUES (CAST(1.5 AS FLOAT), CAST(7 AS TINYINT), TIMESTAMP '2021-10-11 12:13:14.567', CAST('c' AS CHAR(1)), 'xyz', 12);
SELECT * FROM casts;
