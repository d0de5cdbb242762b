-- How kinds and values of changes print here (trap 50): timestamps as ISO, booleans, NULL, doubles, bytes, arrays, rows, maps, multisets.
SELECT k, COUNT(*), MAX(t), MAX(b), MAX(d), MAX(NULLIF(n, 'none')) FROM (VALUES (x'0a0b', TIMESTAMP '2024-05-01 10:00:00.120', TRUE, 1e10, 'none'), (x'0a0b', TIMESTAMP '2024-05-01 10:00:01', FALSE, 1e-5, 'x')) AS t (k, t, b, d, n) GROUP BY k;
SELECT ARRAY_AGG(a), ARRAY_AGG(ROW(a, b)), COLLECT(b), ARRAY_AGG(MAP[b, a]) FROM (VALUES (1, 'x'), (2, 'y')) AS t (a, b);
SELECT MAX(l), MAX(dt), MAX(tm), MAX(dc) FROM (VALUES (TO_TIMESTAMP_LTZ(1500, 3), DATE '2024-05-01', TIME '10:00:00', 1.50)) AS t (l, dt, tm, dc);
