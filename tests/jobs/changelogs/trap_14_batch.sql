-- The same in batch: one row for a global aggregate of nothing, final rows only (trap 14).
SET 'execution.runtime-mode' = 'batch';
SELECT COUNT(*), SUM(v) FROM (VALUES (1), (2)) AS t (v) WHERE v > 100;
SELECT COUNT(*), SUM(NULLIF(v, 2)), MAX(v) FROM (VALUES (1), (2), (3)) AS t (v);
SELECT v, COUNT(*) FROM (VALUES (1), (2)) AS t (v) WHERE v > 100 GROUP BY v;
SELECT k, SUM(v) FROM (VALUES ('a', 1), ('a', 3)) AS t (k, v) GROUP BY k;
