//! Passwords are never shown: not in plans, listings, errors or notes.

use crate::millstream::{millstream, millstream_in};

const SECRET: &str = "hunter2";

#[test]
fn a_password_in_a_tables_options_is_never_shown() {
    let table = format!(
        "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d?password={SECRET}', 'table-name' = 't', 'username' = 'u', 'password' = '{SECRET}');
         CREATE TABLE k (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:1', 'format' = 'json',
           'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"{SECRET}\";',
           'properties.ssl.key.password' = '{SECRET}');
         SET 'my.password' = '{SECRET}';"
    );
    let table = format!(
        "{table}
         CREATE TABLE m (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:1', 'format' = 'json',
           'properties.sasl.pasword' = '{SECRET}', 'properties.sasl.mechanism' = 'PLAIN');
         CREATE TABLE j (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d?passwrd={SECRET}&sslmode=disable', 'table-name' = 't');
         CREATE TABLE d (id INT) WITH ('connector' = 'datagen', 'pasword' = '{SECRET}');
         SET 'my.pasword' = '{SECRET}';"
    );
    let statements = "SHOW CREATE TABLE m; SHOW CREATE TABLE j; SHOW CREATE TABLE d; SHOW CREATE TABLE t; SHOW CREATE TABLE k; EXPLAIN SELECT * FROM t; EXPLAIN SELECT * FROM k; SET; DESCRIBE t;";
    let ended = millstream(&["run", "-e", &format!("{table} {statements}")]).expect(0);
    assert!(ended.out.contains("'properties.sasl.mechanism' = 'PLAIN'"), "{}", ended.out);
    assert!(ended.out.contains("?passwrd=******&sslmode=disable"), "{}", ended.out);
    assert!(ended.out.contains("'password' = '"), "the option itself is shown: {}", ended.out);
    assert!(!ended.out.contains(SECRET), "{}", ended.out);
    assert!(!ended.err.contains(SECRET), "{}", ended.err);
}

#[test]
fn a_password_never_stands_in_an_error_not_even_in_the_line_it_quotes() {
    let texts = [
        format!(
            "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password' = '{SECRET}', 'usrename' = 'u', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 't');"
        ),
        format!(
            "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:mysql://u:{SECRET}@h/d', 'table-name' = 't');"
        ),
        format!(
            "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://u:{SECRET}@h:port/d', 'table-name' = 't');"
        ),
        format!(
            "CREATE TABLE t (id INT) WITH ('connector' = 'opensearch', 'index' = 'i', 'hosts' = 'ftp://u:{SECRET}@h');"
        ),
        format!("SET 'table.local-time-zone' = 'x'; SET 'password' = '{SECRET}' 'y';"),
        format!("CREATE TABLE t (id INTT) WITH ('connector' = 'jdbc', 'password' = '{SECRET}');"),
        // Keys that nobody knows, and keys and values that are not written as they should be.
        format!(
            "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 't', 'pasword' = '{SECRET}');"
        ),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'pasword' = '{SECRET}', 'usrename' = 'u');"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password'='{SECRET}"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'pasword'='{SECRET}"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password='{SECRET}')"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', password'='{SECRET}')"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password' '{SECRET}')"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password' = {SECRET})"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password' = \"{SECRET}\")"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password' = 'a'{SECRET}'b')"),
        format!("CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'password': '{SECRET}')"),
        format!(
            "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h:x/d?passwrd={SECRET}', 'table-name' = 't')"
        ),
        format!("SET 'password' '{SECRET}';"),
        format!("SET 'password' = {SECRET};"),
        format!("SET password = {SECRET};"),
        format!("SELECT * FROM t /*+ OPTIONS('pasword' = '{SECRET}') */"),
        format!(
            "CREATE TABLE t (id INT) WITH ('connector' = 'datagen'); SELECT * FROM t /*+ OPTIONS('pasword' = '{SECRET}') */"
        ),
    ];
    for text in texts {
        let ended = millstream(&["check", "-e", &text]).expect(2);
        assert!(ended.err.contains("error: "), "{}", ended.err);
        assert!(!ended.err.contains(SECRET), "{}", ended.err);
    }
}

#[test]
fn a_password_in_the_configuration_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let toml = |rest: &str| {
        let text = format!(
            "[integrations.pg]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://h/d\"\nusername = \"u\"\npassword = \"{SECRET}\"\n{rest}"
        );
        std::fs::write(folder.path().join("millstream.toml"), text).unwrap();
    };
    let table =
        "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://', 'table-name' = 't');";
    toml("");
    let sql = format!("{table} SHOW CREATE TABLE t; EXPLAIN SELECT * FROM t;");
    let ended = millstream_in(folder.path(), &["run", "-e", &sql]).expect(0);
    assert!(!format!("{}{}", ended.out, ended.err).contains(SECRET), "{}{}", ended.out, ended.err);
    for wrong in ["usrename = \"x\"", "password = \"again\"", "broken", "tables = 5"] {
        toml(wrong);
        let ended = millstream_in(folder.path(), &["check", "-e", table]);
        assert_eq!(ended.code, Some(2), "{wrong}: {}", ended.err);
        assert!(!ended.err.contains(SECRET), "{}", ended.err);
    }
}
