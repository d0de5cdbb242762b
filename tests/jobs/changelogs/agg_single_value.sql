-- SINGLE_VALUE, which scalar subqueries use: one value, none, and an error where there are two.
SELECT SINGLE_VALUE(v) FROM (VALUES (7)) AS t (v);
SELECT SINGLE_VALUE(v) FROM (VALUES (7), (8)) AS t (v);
SELECT k, SINGLE_VALUE(NULLIF(v, 2)) FROM (VALUES ('a', 1), ('b', 2)) AS t (k, v) GROUP BY k;
SELECT SINGLE_VALUE(v) FROM (VALUES (7), (7)) AS t (v);
