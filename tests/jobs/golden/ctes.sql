WITH loads AS (SELECT * FROM (VALUES ('doc', 98.3), ('happy', 12.0), ('doc', 50.0)) AS t (hostname, load_value)),
     high AS (SELECT hostname, load_value FROM loads WHERE load_value > 40)
SELECT h.hostname, h.load_value * 2 AS twice FROM high AS h WHERE h.hostname = 'doc';
