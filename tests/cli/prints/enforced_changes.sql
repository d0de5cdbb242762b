-- What sinks are given of updating results whose values they don't take: NULLs that are dropped, texts and bytes that are trimmed and padded, after their keys were grouped.
CREATE TABLE x (k STRING, v INT, b BYTES) WITH ('connector' = 'filesystem', 'path' = '{folder}/x', 'format' = 'json');
INSERT INTO x VALUES ('abcdef', CAST(NULL AS INT), x'010203'), ('ab', 1, x'01'), ('abcxyz', 2, x'0102'), ('abcdef', 4, x'010203'), ('ab', CAST(NULL AS INT), x'01'), ('abcdef', 1, x'05');
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
CREATE TABLE sums (k STRING, s INT NOT NULL) WITH ('connector' = 'print', 'print-identifier' = 'not null');
INSERT INTO sums SELECT k, SUM(v) FROM x GROUP BY k;
CREATE TABLE lasts (k STRING, s BIGINT NOT NULL) WITH ('connector' = 'print', 'print-identifier' = 'halves');
INSERT INTO lasts SELECT k, NULLIF(COUNT(*), 2) FROM x GROUP BY k;
SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD';
CREATE TABLE narrow (k VARCHAR(3), v INT, b BINARY(2)) WITH ('connector' = 'filesystem', 'path' = '{folder}/x', 'format' = 'json');
CREATE TABLE narrow4 (k CHAR(4), v INT, b BINARY(2)) WITH ('connector' = 'filesystem', 'path' = '{folder}/x', 'format' = 'json');
CREATE TABLE padded (k CHAR(4), b BINARY(2), n BIGINT) WITH ('connector' = 'print', 'print-identifier' = 'padded');
INSERT INTO padded SELECT k, b, COUNT(*) FROM narrow4 GROUP BY k, b;
CREATE TABLE keyed (k VARCHAR(3), n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'print', 'print-identifier' = 'keyed');
INSERT INTO keyed SELECT k, COUNT(*) FROM narrow GROUP BY k;
CREATE TABLE cast_keys (k VARCHAR(3), n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'print', 'print-identifier' = 'cast');
INSERT INTO cast_keys SELECT CAST(k AS VARCHAR(3)), COUNT(*) FROM x GROUP BY k;
