-- Statements that look into services, each wrong.
SHOW TOPIC;
SHOW TOPICS FROM;
SHOW TOPICS FROM k LIKE x;
PEEK;
PEEK FROM k;
PEEK orders LIMT 3;
PEEK orders LIMIT 0;
PEEK orders LIMIT 5000;
PEEK orders PARTITION x;
PEKE orders;
DESCRIBE TOPIC orders GROUP;
PSQL;
PSQL SELECT 1;
PSQL pg "SELECT 1";
SELECT $$a$$;
SUGGEST orders;
SUGGEST TABLE FOR orders;
SUGGEST TABLE select FOR TOPIC orders;
