-- CROSS JOIN UNNEST: elements of an ARRAY, of an ARRAY of ROWs, entries of a MAP, elements of a MULTISET; NULL and empty collections; WITH ORDINALITY; LEFT JOIN; constants; a filter; an aggregate.
CREATE TABLE t (id INT, tags ARRAY<STRING>, pairs ARRAY<ROW<a INT, b STRING>>, m MAP<STRING, INT>, ns ARRAY<ARRAY<INT>>) WITH ('connector' = 'filesystem', 'path' = '{folder}/unnest_collections_t', 'format' = 'json');
INSERT INTO t VALUES
  (1, ARRAY['a', 'b', CAST(NULL AS STRING)], ARRAY[ROW(1, 'x'), ROW(2, CAST(NULL AS STRING))], MAP['k', 1], ARRAY[ARRAY[1, 2], ARRAY[3]]),
  (2, CAST(NULL AS ARRAY<STRING>), CAST(NULL AS ARRAY<ROW<a INT, b STRING>>), CAST(NULL AS MAP<STRING, INT>), CAST(NULL AS ARRAY<ARRAY<INT>>)),
  (3, ARRAY['c'], ARRAY[ROW(3, 'z')], MAP['l', 5], ARRAY[ARRAY[4]]);
SELECT id, tag FROM t CROSS JOIN UNNEST(tags) AS u (tag);
SELECT id, u.tag FROM t, UNNEST(t.tags) AS u (tag);
SELECT id, tag FROM t LEFT JOIN UNNEST(tags) AS u (tag) ON TRUE;
SELECT id, a, b FROM t CROSS JOIN UNNEST(pairs) AS u (a, b);
SELECT id, u.* FROM t LEFT JOIN UNNEST(pairs) AS u (a, b) ON TRUE;
SELECT id, k, v FROM t CROSS JOIN UNNEST(m) AS u (k, v);
SELECT id, n FROM t CROSS JOIN UNNEST(ns) AS u (ns1) CROSS JOIN UNNEST(ns1) AS w (n);
SELECT id, tag, o FROM t CROSS JOIN UNNEST(tags) WITH ORDINALITY AS u (tag, o);
SELECT id, UPPER(tag) FROM t CROSS JOIN UNNEST(tags) AS u (tag) WHERE tag <> 'b' AND id > 0;
SELECT tag, COUNT(*) FROM t CROSS JOIN UNNEST(tags) AS u (tag) GROUP BY tag;
SELECT n FROM UNNEST(ARRAY[10, 20]) AS u (n);
SELECT id, x FROM t CROSS JOIN UNNEST(ARRAY[id, id * 10]) AS u (x);
SELECT id, s, n FROM (SELECT id, COLLECT(id) AS c FROM t GROUP BY id) CROSS JOIN UNNEST(c) AS u (s), UNNEST(ARRAY[1]) AS v (n);
SELECT * FROM t CROSS JOIN UNNEST(id) AS u (x);
SELECT * FROM t CROSS JOIN UNNEST(tags) AS u (x, y);
