-- CURRENT_TIMESTAMP is per row while streaming (trap 40): what can be known of it for certain; a filter on it is asked once.
CREATE TABLE x (v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/trap_40_one_time_per_row_x', 'format' = 'json');
INSERT INTO x VALUES (1), (2);
SELECT v, CURRENT_TIMESTAMP > TO_TIMESTAMP_LTZ(0, 3), CURRENT_TIMESTAMP = NOW(), TYPEOF(CURRENT_TIMESTAMP) FROM x;
SELECT COUNT(*), MAX(CURRENT_TIMESTAMP) >= MIN(CURRENT_TIMESTAMP) FROM x WHERE CURRENT_TIMESTAMP > TO_TIMESTAMP_LTZ(0, 3);
