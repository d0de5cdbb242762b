-- What is promised of each sink's rows: nothing is said without checkpoints.
SET 'parallelism.default' = '1';
CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen');
CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');
CREATE TABLE topic (n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'h:9092', 'format' = 'json');
CREATE TABLE documents (n INT) WITH ('connector' = 'opensearch', 'hosts' = 'http://h:9200', 'index' = 'i');
EXPLAIN INSERT INTO documents SELECT n FROM numbers;
-- Checkpoints that end with the process.
SET 'execution.checkpointing.interval' = '1s';
EXPLAIN INSERT INTO documents SELECT n FROM numbers;
SET 'execution.checkpointing.dir' = 'file:///tmp/millstream-state';
EXPLAIN INSERT INTO documents SELECT n FROM numbers;
EXPLAIN EXECUTE STATEMENT SET BEGIN
  INSERT INTO documents SELECT n FROM numbers;
  INSERT INTO topic SELECT n FROM numbers;
  INSERT INTO nowhere SELECT n FROM numbers;
END;
SET 'execution.checkpointing.mode' = 'AT_LEAST_ONCE';
EXPLAIN INSERT INTO documents SELECT n FROM numbers;
