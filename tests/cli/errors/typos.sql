CREAT TABLE a (id INT);
CREATE TABEL a (id INT);
CREATE TABLE a (id INT) WIHT ('connector' = 'kafka');
CREATE TABLE a (id INTT) WITH ('connector' = 'kafka');
CREATE TABLE a (id INT, WATERMARK OF id AS id) WITH ('connector' = 'kafka');
CREATE TABLE a (id INT, PRIMARY KEY (id)) WITH ('connector' = 'kafka');
CREATE TABLE a (id INT,) WITH ('connector' = 'kafka');
CREATE TABLE a (id INT) WITH (connector = 'kafka');
CREATE VEIW v AS SELECT 1;
CREATE VIEW v SELECT 1;
DORP TABLE a;
DROP TABEL a;
ALTER TABLE a STE ('topic' = 'x');
INSERT ITNO a SELECT 1;
INSERT INTO a SELET 1;
INSERT INTO a VALUS (1);
EXECUTE STATEMENT SET BEGN INSERT INTO a SELECT 1; END;
SELEC 1;
SELECT 1 FORM a;
SELECT 1 +;
SELECT (1;
SET 'pipeline.name' 'x';
SET 'pipline.name';
SHOW TABELS;
SHOW CREATE TABEL a;
DESCRIB a;
DESCRIBE;
EXPLAN SELECT 1;
EXPLAIN SELEC 1;
USE CATALGO c;
SELECT x, FROM (VALUES (1)) AS t(x);
SELECT x, FROM t;
SELECT x FROM t WHERE 'a' = 'a' AN x = 2;
SELECT INTERVAL '30' SECNDS;
SET parallelism.default=3;
SET 'pipeline.name' = 'x' y;
SET 'pipeline.name' = 'a'
CREATE TABLE forgotten1 (a INT) WITH ('connector' = 'print');
CREATE TABLE forgotten2 (a INT) WITH ('connector' = 'print')
CREATE TABLE forgotten3 (a INT) WITH ('connector' = 'print');
CREATE TABLE forgotten4 (a INT) WITH (
  'connector' = 'kafka'
  'properties.bootstrap.servers' = 'h:1',
  'topic' = 't', 'format' = 'json');
CREATE TABLE elsewhere (a INT) WITH ('connector' = 'kafka', 'properties.bootstrap.server' = 'h:1', 'topic' = 't', 'format' = 'json');
SELECT a FROM elsewhere;
