-- Texts of different lengths in VALUES, CASE and UNION ALL are not padded, a trailing blank counts in keys, CAST to CHAR pads (trap 23).
SELECT v, CHAR_LENGTH(v), COUNT(*) FROM (VALUES ('abc'), ('ab'), ('ab '), ('ab')) AS t (v) GROUP BY v;
SELECT MAX(CASE WHEN v > 1 THEN 'long one' ELSE 'short' END), CHAR_LENGTH(MAX(CASE WHEN v > 1 THEN 'long one' ELSE 'short' END)) FROM (VALUES (1), (2)) AS t (v);
SELECT CAST(v AS CHAR(4)), CHAR_LENGTH(CAST(v AS CHAR(4))), COUNT(*) FROM (VALUES ('abc'), ('ab'), ('ab ')) AS t (v) GROUP BY CAST(v AS CHAR(4));
SELECT TYPEOF(v), MAX(v) FROM (VALUES ('abc'), ('ab')) AS t (v) GROUP BY TYPEOF(v);
