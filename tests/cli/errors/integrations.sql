CREATE TABLE none (id INT) WITH ('connector' = 'opensearch', 'index' = 'i', 'hosts' = '');
CREATE TABLE two (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '', 'format' = 'json');
CREATE TABLE named (id INT) WITH ('integration' = 'kafka-on', 'connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE other (id INT) WITH ('integration' = 'pg', 'connector' = 'kafka', 'topic' = 't', 'format' = 'json');
