-- The hint STATE_TTL and the setting: names, durations and what is refused.
CREATE TABLE x (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/state_ttl_hint_x', 'format' = 'json');
INSERT INTO x VALUES ('a', 1), ('a', 1);
SELECT /*+ STATE_TTL('x' = '1 d') */ k, MAX(v) FROM x GROUP BY k;
SELECT /*+ STATE_TTL('t' = '12h') */ k, MAX(v) FROM x AS t GROUP BY k;
SELECT /*+ STATE_TTL('x' = 'soon') */ k, MAX(v) FROM x GROUP BY k;
SELECT /*+ STATE_TTL('x') */ k, MAX(v) FROM x GROUP BY k;
SELECT /*+ STATE_TTL('x' = '0s') */ k, MAX(v) FROM x GROUP BY k;
