-- The order in which LISTAGG, ARRAY_AGG and COLLECT see the rows of windows that are merged from slices or sessions: not the order of arrival.
CREATE TABLE x (ts TIMESTAMP(3), s STRING, WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE) WITH ('connector' = 'filesystem', 'path' = '{folder}/agg_merge_order_x', 'format' = 'json');
INSERT INTO x VALUES (TIMESTAMP '2024-05-01 10:00:01', 'a'), (TIMESTAMP '2024-05-01 10:00:06', 'b'), (TIMESTAMP '2024-05-01 10:00:02', 'c'), (TIMESTAMP '2024-05-01 10:00:11', 'd'), (TIMESTAMP '2024-05-01 10:00:07', 'e');
SELECT window_end, LISTAGG(s) FROM TUMBLE(TABLE x, DESCRIPTOR(ts), INTERVAL '15' SECOND) GROUP BY window_start, window_end;
SELECT window_end, LISTAGG(s) FROM HOP(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND) GROUP BY window_start, window_end;
SELECT window_end, LISTAGG(s) FROM CUMULATE(TABLE x, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND) GROUP BY window_start, window_end;
SELECT window_end, LISTAGG(s), ARRAY_AGG(s) FROM SESSION(TABLE x, DESCRIPTOR(ts), INTERVAL '3' SECOND) GROUP BY window_start, window_end;
SELECT HOP_END(ts, INTERVAL '5' SECOND, INTERVAL '15' SECOND), LISTAGG(s) FROM x GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '15' SECOND);
