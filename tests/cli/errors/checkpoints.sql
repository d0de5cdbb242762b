CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen');
CREATE TABLE documents (n INT) WITH ('connector' = 'opensearch', 'hosts' = 'http://h:9200', 'index' = 'i',
  'sink.delivery-guarantee' = 'exactly-once');
INSERT INTO documents SELECT n FROM numbers;
SET 'execution.checkpointing.interval' = '1s';
INSERT INTO documents SELECT n FROM numbers;
SET 'execution.checkpointing.mode' = 'AT_LEAST_ONCE';
INSERT INTO documents SELECT n FROM numbers;
SET 'execution.checkpointing.mode' = 'EXACTLY_TWICE';
SET 'execution.checkpointing.interval' = 'often';
SET 'execution.checkpointing.dir' = 's3://bucket/state';
SET 'state.checkpoints.dir' = 'hdfs://host/state';
SET 'execution.checkpointing.savepoint-dir' = 'file://savepoints';
SET 'execution.state-recovery.path' = '';
SET 'state.checkpoints.num-retained' = 'all';
SET 'restart-strategy.type' = 'fixed-dely';
STOP JOB 'j' WITH SAVEPOINT WITH SAVEPOINT;
