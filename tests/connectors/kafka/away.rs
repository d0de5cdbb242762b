//! Brokers that are not there.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_waited_for_and_then_named() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut context = context();
    let lines = told.clone();
    context.reporter = Reporter::new(move |line| lines.lock().unwrap().push(line.to_string()));
    let options = [("connection.max-retry-timeout", "1 s"), ("properties.sasl.jaas.config", "password=\"geheim\"")];
    let mut table = strings("any", &options);
    table.options.set("properties.bootstrap.servers", "127.0.0.1:1", None);
    for error in [
        source(&table).splits(&context).await.unwrap_err(),
        find("kafka", None).unwrap().sink(&table).unwrap().open(&context).await.err().unwrap(),
    ] {
        assert!(error.message().starts_with("gave up on Kafka at 127.0.0.1:1 after "), "{error}");
        assert!(error.message().contains("Connection refused"), "{error}");
        assert!(!error.to_string().contains("geheim"));
    }
    let told = told.lock().unwrap().join("\n");
    assert!(told.contains("Kafka at 127.0.0.1:1"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_is_told_as_such() {
    let mut table = strings("any", &[("connection.max-retry-timeout", "1 s")]);
    table.options.set("properties.bootstrap.servers", "no-such-host.invalid:9092", None);
    let error = source(&table).splits(&context()).await.unwrap_err();
    assert!(error.to_string().contains("resolve"), "{error}");
}
