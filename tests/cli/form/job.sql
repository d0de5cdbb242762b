-- Every kind of state there is: windows, sessions, groups of changes, rows kept by key, the place in a LIMIT, output that
-- waits to be published. Its checkpoint is in the folder of the version of its form; see ../form.rs.
SET 'parallelism.default' = '1';
SET 'pipeline.name' = 'all kinds';
SET 'table.local-time-zone' = 'UTC';
SET 'execution.checkpointing.dir' = 'state';
SET 'execution.checkpointing.interval' = '1 h';
SET 'table.exec.state.ttl' = '36500 d';
SET 'table.exec.source.cdc-events-duplicate' = 'true';

CREATE TABLE orders (
  id INT, shop STRING, item STRING, amount DECIMAL(10, 2), ratio DOUBLE, paid BOOLEAN, tags ARRAY<STRING>,
  place ROW<x INT, y INT>, occurred_at TIMESTAMP(3), WATERMARK FOR occurred_at AS occurred_at - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'orders', 'source.monitor-interval' = '20 ms', 'format' = 'json');

CREATE TABLE prices (item STRING, price DECIMAL(10, 2), PRIMARY KEY (item) NOT ENFORCED) WITH (
  'connector' = 'filesystem', 'path' = 'prices', 'source.monitor-interval' = '20 ms', 'format' = 'debezium-json');

CREATE TABLE windows (shop STRING, until TIMESTAMP(3), orders BIGINT, items BIGINT, names STRING, best STRING, ratio DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = 'windows', 'format' = 'csv');

CREATE TABLE printed_sessions (shop STRING, since TIMESTAMP(3), until TIMESTAMP(3), items MULTISET<STRING>, names STRING)
  WITH ('connector' = 'print', 'print-identifier' = 'sessions');

CREATE TABLE printed_session_rows (id INT, shop STRING, since TIMESTAMP(3), tags ARRAY<STRING>)
  WITH ('connector' = 'print', 'print-identifier' = 'session rows');

CREATE TABLE printed_totals (shop STRING, best DECIMAL(38, 2), least DECIMAL(38, 2), items BIGINT, names STRING, first STRING)
  WITH ('connector' = 'print', 'print-identifier' = 'totals');

CREATE TABLE printed_paid (paid BOOLEAN, c BIGINT, total DECIMAL(38, 2), mean DOUBLE, tags ARRAY<ARRAY<STRING>>, place ROW<x INT, y INT>)
  WITH ('connector' = 'print', 'print-identifier' = 'paid');

CREATE TABLE printed_prices (item STRING, price DECIMAL(10, 2), PRIMARY KEY (item) NOT ENFORCED)
  WITH ('connector' = 'print', 'print-identifier' = 'prices');

CREATE TABLE printed_holders (item STRING, id INT, PRIMARY KEY (item) NOT ENFORCED)
  WITH ('connector' = 'print', 'print-identifier' = 'holders');

CREATE TABLE printed_first (id INT) WITH ('connector' = 'print', 'print-identifier' = 'first');

CREATE VIEW totals AS SELECT shop, item, SUM(amount) AS total FROM orders GROUP BY shop, item;

EXECUTE STATEMENT SET BEGIN
INSERT INTO windows SELECT shop, window_end, COUNT(*), COUNT(DISTINCT item), LISTAGG(item, ' '), MAX(item), AVG(ratio)
  FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(occurred_at), INTERVAL '1' MINUTE)) GROUP BY shop, window_start, window_end;
INSERT INTO printed_sessions SELECT shop, window_start, window_end, COLLECT(item), LISTAGG(item)
  FROM TABLE(SESSION(TABLE orders PARTITION BY shop, DESCRIPTOR(occurred_at), INTERVAL '10' SECOND))
  GROUP BY shop, window_start, window_end;
INSERT INTO printed_session_rows SELECT id, shop, window_start, tags
  FROM TABLE(SESSION(TABLE orders PARTITION BY shop, DESCRIPTOR(occurred_at), INTERVAL '10' SECOND));
INSERT INTO printed_totals SELECT shop, MAX(total), MIN(total), COUNT(DISTINCT item), LISTAGG(item, ' '), FIRST_VALUE(item)
  FROM totals GROUP BY shop;
INSERT INTO printed_paid SELECT paid, COUNT(*), SUM(amount), AVG(ratio), ARRAY_AGG(tags), LAST_VALUE(place) FROM orders GROUP BY paid;
INSERT INTO printed_prices SELECT item, price FROM prices;
INSERT INTO printed_holders SELECT LAST_VALUE(item), id FROM orders GROUP BY id;
INSERT INTO printed_first SELECT id FROM orders LIMIT 9;
END;
