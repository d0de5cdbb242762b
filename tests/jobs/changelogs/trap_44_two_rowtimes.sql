-- A sink of two rowtime columns is refused (trap 44), and a CAST to TIMESTAMP helps.
CREATE TABLE x (v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_44_two_rowtimes_x', 'format' = 'json');
INSERT INTO x VALUES (1, TIMESTAMP '2024-05-01 10:00:00');
CREATE TABLE out_two (a TIMESTAMP(3), b TIMESTAMP(3), v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_44_two_rowtimes_out_two', 'format' = 'json');
INSERT INTO out_two SELECT ts, ts, v FROM x;
INSERT INTO out_two SELECT ts, CAST(ts AS TIMESTAMP(3)), v FROM x;
SELECT * FROM out_two;
