SELECT UPPER(s), LOWER(s), CHAR_LENGTH(s), s || '!', SUBSTRING(s FROM 2 FOR 3), TRIM(s) FROM (VALUES ('Grumpy'), (' doc '), ('')) AS t (s);
SELECT CONCAT('a', CAST(NULL AS STRING)), CONCAT_WS('-', 'a', CAST(NULL AS STRING), 'b'), REPLACE('aXbX', 'X', ''), POSITION('b' IN 'abc');
SELECT s FROM (VALUES ('happy'), ('sleepy'), ('doc')) AS t (s) WHERE s LIKE '%py' AND s NOT LIKE 'h%';
SELECT s FROM (VALUES ('a_c'), ('abc')) AS t (s) WHERE s LIKE 'a\_c' ESCAPE '\';
SELECT SPLIT_INDEX('a,b,c', ',', 1), LPAD('7', 3, '0'), REPEAT('ab', 2), REVERSE('abc'), MD5('doc');
