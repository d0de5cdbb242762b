-- hh is Java's 12-hour clock, HH the 24-hour clock.
SELECT DATE_FORMAT(ts, 'yyyy/MM/dd hh:mm:ss'), DATE_FORMAT(ts, 'yyyy/MM/dd HH:mm:ss') FROM (VALUES (TIMESTAMP '2021-10-11 13:13:09'), (TIMESTAMP '2021-10-11 00:05:00'), (TIMESTAMP '2021-10-11 12:59:59')) AS t (ts);
