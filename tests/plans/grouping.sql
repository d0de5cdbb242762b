-- What travels out of every node of a grouping, and into which sinks.
CREATE TABLE readings (hostname STRING, cpu STRING, `usage` DOUBLE) WITH ('connector' = 'datagen');
CREATE TABLE printed (hostname STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE upserted (hostname STRING PRIMARY KEY NOT ENFORCED, n BIGINT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 'counts');
EXPLAIN CHANGELOG_MODE INSERT INTO printed SELECT hostname, COUNT(*) FROM readings GROUP BY hostname;
EXPLAIN CHANGELOG_MODE INSERT INTO upserted SELECT hostname, COUNT(DISTINCT cpu) FILTER (WHERE `usage` > 80) FROM readings GROUP BY hostname;
EXPLAIN CHANGELOG_MODE INSERT INTO upserted SELECT hostname, COUNT(*) FROM readings GROUP BY hostname HAVING MAX(`usage`) > 50;
EXPLAIN CHANGELOG_MODE SELECT n, COUNT(*) FROM (SELECT hostname, COUNT(*) AS n FROM readings GROUP BY hostname) GROUP BY n;
EXPLAIN CHANGELOG_MODE SELECT DISTINCT hostname FROM readings;
EXPLAIN CHANGELOG_MODE SELECT hostname FROM (SELECT hostname, SUM(`usage`) AS s FROM readings GROUP BY hostname);
EXPLAIN SELECT agg0, key1, COUNT(*), MAX(agg0) FROM (VALUES (1, 2)) AS t (agg0, key1) GROUP BY agg0, key1, agg0 + key1;
EXPLAIN SELECT hostname, cpu, GROUPING(cpu), VAR_POP(`usage`) FROM readings GROUP BY ROLLUP (hostname, UPPER(cpu)), cpu;
EXPLAIN SELECT /*+ STATE_TTL('readings' = '1 d') */ hostname, LISTAGG(cpu), ARRAY_AGG(`usage`) IGNORE NULLS FROM readings GROUP BY hostname;
