-- What keeps the time attribute: projection and renaming, a CTE, a view, a filter, a subquery, UNION ALL of two tables, UNNEST.
CREATE TABLE first_table (ts TIMESTAMP(3), v INT, tags ARRAY<STRING>, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/time_attribute_kept_first_table', 'format' = 'json');
INSERT INTO first_table SELECT ts, v, SPLIT(tags, ',') FROM (VALUES (TIMESTAMP '2024-05-01 10:00:00', 1, 'a,b'), (TIMESTAMP '2024-05-01 10:06:00', 2, 'c')) AS t (ts, v, tags);
CREATE TABLE second_table (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/time_attribute_kept_second_table', 'format' = 'json');
INSERT INTO second_table VALUES (TIMESTAMP '2024-05-01 10:01:00', 4), (TIMESTAMP '2024-05-01 10:07:00', 8);
CREATE VIEW renamed AS SELECT v * 10 AS ten, ts AS t FROM first_table WHERE v > 0;
DESCRIBE renamed;
SELECT window_start, SUM(ten) FROM TUMBLE(TABLE renamed, DESCRIPTOR(t), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
WITH c AS (SELECT ts, v FROM first_table WHERE v < 100) SELECT window_start, SUM(v) FROM TUMBLE(TABLE c, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
CREATE VIEW both_tables AS SELECT ts, v FROM first_table UNION ALL SELECT ts, v FROM second_table;
DESCRIBE both_tables;
SELECT window_start, COUNT(*), SUM(v) FROM TUMBLE(TABLE both_tables, DESCRIPTOR(ts), INTERVAL '1' DAY) GROUP BY window_start, window_end;
CREATE VIEW tagged AS SELECT ts, tag FROM first_table CROSS JOIN UNNEST(tags) AS u (tag);
DESCRIBE tagged;
SELECT window_start, COUNT(tag) FROM TUMBLE(TABLE tagged, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
SELECT TUMBLE_START(ts, INTERVAL '5' MINUTE), SUM(v) FROM (SELECT v, ts FROM (SELECT * FROM first_table)) GROUP BY TUMBLE(ts, INTERVAL '5' MINUTE);
SELECT window_start, SUM(v) FROM TUMBLE((SELECT ts, v FROM first_table), DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY window_start, window_end;
SELECT window_start, SUM(v) FROM TABLE(TUMBLE(TABLE first_table AS o, DESCRIPTOR(ts), INTERVAL '5' MINUTE)) GROUP BY window_start, window_end;
