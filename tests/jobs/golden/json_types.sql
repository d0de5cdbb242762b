-- The order of rows read from files is not defined: compared sorted.
CREATE TABLE t (i INT, r ROW<a INT, b STRING>, l ARRAY<INT>, m MAP<STRING, INT>, ltz TIMESTAMP_LTZ(3), by BYTES) WITH ('connector' = 'filesystem', 'path' = '{folder}/json_types', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
INSERT INTO t SELECT 1, ROW(2, 'x'), ARRAY[1, 2], MAP['k', 3], TO_TIMESTAMP_LTZ(1633956789277, 3), X'4142';
SELECT i, r.b, l[2], m['k'], ltz, by, r FROM t;
