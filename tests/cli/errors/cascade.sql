CREATE TABLE src (id INT) WITH ('conector' = 'datagen');
CREATE TABLE gen (id INT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'seq');
CREATE TABLE hole (id INT) WITH ('connector' = 'blackhole', 'topic' = 't');
CREATE TABLE pg (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 't', 'pasword' = 'secret');
CREATE VIEW v AS SELECT id FROM src;
SELECT id FROM v;
SELECT id FROM src;
SELECT id FROM gen;
SELECT id FROM nowhere;
