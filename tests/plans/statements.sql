-- One thing each; the plans stand in statements.expected in the same order.

CREATE TABLE readings (
  id INT,
  name STRING,
  v DOUBLE,
  epoch BIGINT,
  price DECIMAL(10, 2),
  tags ARRAY<STRING>,
  counts MAP<STRING, INT>,
  place ROW<city STRING, code INT>,
  proctime AS PROCTIME(),
  ts AS TO_TIMESTAMP_LTZ(epoch, 3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'readings', 'properties.bootstrap.servers' = 'broker:9092', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');

CREATE TABLE limits (id INT, label STRING, top INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://db/main', 'table-name' = 'limits');

CREATE TABLE cached (id INT, label STRING, top INT) WITH (
  'connector' = 'jdbc', 'url' = 'jdbc:postgresql://db/main', 'table-name' = 'limits',
  'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '100', 'lookup.partial-cache.expire-after-write' = '10 s');

CREATE TABLE strict (id INT NOT NULL, name STRING) WITH ('connector' = 'blackhole');

CREATE TABLE keyed (id INT, total DOUBLE, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'opensearch', 'hosts' = 'http://search:9200', 'index' = 'totals');

CREATE VIEW loud AS SELECT id, name, v FROM readings WHERE v > 80;

-- Only the columns that are used are read; the filter runs behind the watermark.
EXPLAIN SELECT name FROM readings WHERE v > 80 AND name LIKE 'd%';

-- A database takes what it can check itself.
EXPLAIN SELECT label FROM limits WHERE id > 5 AND label LIKE 'a%';

-- A filter that can't be pushed: it gives another answer at each call.
EXPLAIN SELECT id FROM readings WHERE RAND() < 0.5 AND id = 1;

-- Expressions.
EXPLAIN SELECT
  id + 1 AS next, (id + 1) * 2 AS twice, -v AS minus, price * 2 AS price2, v / 2 AS half, MOD(id, 3) AS rest,
  UPPER(name) AS upper, name || '!' AS bang, TRIM(name) AS trimmed, SUBSTRING(name FROM 2 FOR 3) AS part,
  CASE WHEN v > 5 THEN 'hi' ELSE 'lo' END AS level, COALESCE(name, 'it''s none') AS some,
  CAST(v AS STRING) AS text, TRY_CAST(name AS INT) AS number,
  tags[1] AS tag, counts['a'] AS a, place.city,
  id IN (1, 2, 3) AS listed, id BETWEEN 1 AND 3 AS between3, NOT (id = 1 OR name IS NULL) AS neither, name NOT LIKE 'x' AS unlike
FROM readings;

-- Times.
EXPLAIN SELECT DATE_FORMAT(ts, 'yyyy') AS y, ts - INTERVAL '3' MINUTE AS earlier, EXTRACT(HOUR FROM ts) AS h, CURRENT_TIMESTAMP AS now_
FROM readings WHERE ts > TIMESTAMP '2024-01-01 00:00:00' AND DATE '2024-01-02' < CAST(ts AS DATE);

-- A lookup: what the table checks, what is left, and what goes before it.
EXPLAIN SELECT r.id, label FROM readings r JOIN limits FOR SYSTEM_TIME AS OF r.proctime AS l
  ON r.id = l.id AND l.top > 5 AND r.v < l.top WHERE r.id > 6 AND l.label <> 'x';

-- LEFT: a row without a match stays.
EXPLAIN SELECT r.id, label FROM readings r LEFT JOIN limits FOR SYSTEM_TIME AS OF r.proctime AS l
  ON r.id = l.id AND r.v < l.top WHERE r.id > 6;

-- A constant as a key, and a cache.
EXPLAIN SELECT r.id, top FROM readings r JOIN cached FOR SYSTEM_TIME AS OF r.proctime AS c ON r.id = c.id AND c.label = 'x';

-- LOOKUP hint.
EXPLAIN SELECT /*+ LOOKUP('table' = 'l', 'async' = 'true') */ r.id, top FROM readings r
  JOIN limits FOR SYSTEM_TIME AS OF r.proctime AS l ON r.id = l.id;

-- Two lookups, one behind the other.
EXPLAIN SELECT r.id, l.top, c.label FROM readings r
  JOIN limits FOR SYSTEM_TIME AS OF r.proctime AS l ON r.id = l.id
  JOIN cached FOR SYSTEM_TIME AS OF r.proctime AS c ON l.top = c.id WHERE r.v > 1;

-- OPTIONS hint.
EXPLAIN SELECT id FROM readings /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */;

-- A view is part of the query that reads it.
EXPLAIN SELECT name FROM loud WHERE id = 1;

-- WITH.
EXPLAIN WITH doubled AS (SELECT id, v * 2 AS w FROM readings) SELECT w FROM doubled WHERE w > 4;

-- UNION ALL; the numbers get one type.
EXPLAIN SELECT id FROM readings UNION ALL SELECT top FROM limits UNION ALL SELECT epoch FROM readings;

-- LIMIT and OFFSET.
EXPLAIN SELECT id FROM readings LIMIT 3 OFFSET 2;

-- VALUES.
EXPLAIN SELECT a FROM (VALUES (1, 'a'), (2, 'b')) AS t(a, b) WHERE a > 1;

-- No table at all.
EXPLAIN SELECT 1, 'a', 1.5, DATE '2024-01-02', TRUE, CAST(NULL AS INT);

-- Never true.
EXPLAIN SELECT id FROM readings WHERE 1 = 2;

-- NOT NULL is checked before the sink; the rest of the columns are NULL.
EXPLAIN INSERT INTO strict (id) SELECT id FROM readings;

-- A primary key: rows of one key meet in one subtask.
EXPLAIN INSERT INTO keyed SELECT id, v FROM readings;

-- A statement set reads a table once.
EXPLAIN STATEMENT SET BEGIN
  INSERT INTO strict SELECT id, name FROM readings WHERE v > 80;
  INSERT INTO strict SELECT id, UPPER(name) FROM readings;
END;

-- What changes flow where.
EXPLAIN CHANGELOG_MODE INSERT INTO strict SELECT id, name FROM loud;
