CREATE TEMPORARY VIEW loads (host, load_value) AS SELECT * FROM (VALUES ('doc', 98.3), ('happy', 12.0)) AS t (a, b);
CREATE TEMPORARY VIEW high AS SELECT host, load_value, load_value > 90 AS very FROM loads WHERE load_value > 10;
SELECT * FROM high;
SELECT host AS HOST, CAST(very AS INT) AS n FROM high WHERE very;
