SELECT ENCODE('doc', 'UTF-8'), DECODE(X'646f63', 'UTF-8'), CAST('doc' AS BYTES), TO_BASE64('doc'), FROM_BASE64('ZG9j');
SELECT ASCII('a'), CHR(98), INITCAP('snow white'), LEFT('grumpy', 3), RIGHT('grumpy', 2), REGEXP_EXTRACT('cpu12', 'cpu(\d+)', 1), REGEXP_REPLACE('a1b2', '\d', '-');
