-- Mini-batch needs its latency and its size: what is said where they are missing.
SET 'table.exec.mini-batch.enabled' = 'true';
SELECT COUNT(*) FROM (VALUES (1)) AS t (v);
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SELECT COUNT(*) FROM (VALUES (1)) AS t (v);
SET 'table.exec.mini-batch.size' = '0';
SELECT COUNT(*) FROM (VALUES (1)) AS t (v);
