-- The plans of other updating operators for comparison: Top-N with and without rank, deduplication first and last, joins, LIMIT.
CREATE TABLE x (id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/top_n_and_joins_x', 'format' = 'json');
CREATE TABLE y (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{folder}/top_n_and_joins_y', 'format' = 'json');
EXPLAIN CHANGELOG_MODE SELECT k, v, rn FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM x) WHERE rn <= 2;
EXPLAIN CHANGELOG_MODE SELECT k, v FROM (SELECT k, v, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts ASC) AS rn FROM x) WHERE rn = 1;
EXPLAIN CHANGELOG_MODE SELECT k, v FROM (SELECT k, v, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM x) WHERE rn = 1;
EXPLAIN CHANGELOG_MODE SELECT x.k, y.name FROM x JOIN y ON x.id = y.id;
EXPLAIN CHANGELOG_MODE SELECT x.k, y.name FROM x LEFT JOIN y ON x.id = y.id;
EXPLAIN CHANGELOG_MODE SELECT k FROM x ORDER BY v LIMIT 3;
EXPLAIN CHANGELOG_MODE SELECT k, COUNT(*) FROM x WHERE id IN (SELECT id FROM y) GROUP BY k;
