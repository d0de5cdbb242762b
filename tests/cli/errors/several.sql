-- What is wrong independently of each other is told at once.
CREATE TABLE src (id INT, name STRING) WITH ('connector' = 'datagen');
CREATE TABLE hole (id INT, name STRING) WITH ('connector' = 'blackhole');
SELECT idd, name, UPPR(name) FROM src WHERE nme = 'x';
EXECUTE STATEMENT SET BEGIN
INSERT INTO hole SELECT idd, name FROM src;
INSERT INTO nowhere SELECT id, nmae FROM src;
INSERT INTO hole SELECT * FROM missing;
END;
SELECT * FROM t1 JOIN t2 FOR SYSTEM_TIME AS OF PROCTIME() ON t1.a = t2.a;
SELECT naem, COUNT(idd), MAX(id) FROM src GROUP BY name HAVING SMU(id) > 1;
SELECT idd FROM src UNION ALL SELECT nme FROM src;
-- What is said twice is said once.
SELECT idd, idd + 1 FROM src WHERE idd > 1;
