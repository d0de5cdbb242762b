-- Summer time: a local time that does not exist, and one that exists twice.
SET 'table.local-time-zone' = 'America/New_York';
SELECT CAST(ts AS TIMESTAMP_LTZ(3)) FROM (VALUES (TIMESTAMP '2021-03-14 02:30:00'), (TIMESTAMP '2021-11-07 01:30:00')) AS t (ts);
SELECT CAST(TO_TIMESTAMP_LTZ(s, 0) AS STRING) FROM (VALUES (1636263000), (1636266600)) AS t (s);
