//! Bad days of services that are reached over TLS with a password.

use super::away;
use super::own::{Own, Service};
use super::scene::Scene;
use crate::kafka::clients;
use crate::opensearch::secured;
use crate::pipelines::cutter::{Cut, Cutter};

/// Breaks every connection: most of them in mid-request, `first` bytes after their beginning or more, some while the
/// client shakes hands or logs in. Later ones live longer, or a large request would never get through; the last ones
/// stay whole.
fn cuts(first: usize) -> impl Iterator<Item = Cut> {
    (0..24).map(move |i| Cut::Request(if i % 4 == 1 { 250 * (i % 16) } else { first + 3_000 * i }))
}

/// The services, each behind a cutter that the job must pass: Kafka, PostgreSQL, OpenSearch.
async fn scene_behind_cutters() -> (Scene, [Cutter; 3]) {
    let authority = secured::authority("ca.pem");
    // It takes its time to start.
    let opensearch = tokio::task::spawn_blocking(secured::host);
    let (kafka, leads_to) = Cutter::to_be_told(cuts(20_000)).await;
    let mut scene = Scene::of(Own::behind(kafka.by_name(), leads_to), &[Service::KafkaSecured]).await;
    let (address, database) = scene.postgres_parts().2.split_once('/').unwrap();
    let postgres = Cutter::new(address.to_string(), cuts(20_000)).await;
    let url = format!("{}/{database}?sslmode=verify-full&sslrootcert={authority}", postgres.by_name());
    scene.opensearch = opensearch.await.unwrap().to_string();
    let opensearch = Cutter::new(scene.opensearch.replace("https://", ""), cuts(100_000)).await;

    scene.ways.kafka = Some(format!(
        "'properties.bootstrap.servers' = '{}', 'properties.security.protocol' = 'SASL_SSL',
         'properties.sasl.mechanism' = 'SCRAM-SHA-512', 'properties.sasl.jaas.config' =
         'org.apache.kafka.common.security.scram.ScramLoginModule required username=\"alice\" password=\"alice-secret\";',
         'properties.ssl.truststore.type' = 'PEM', 'properties.ssl.truststore.location' = '{authority}'",
        kafka.by_name()
    ));
    // A flush that is cut off again and again fails the job after 3 retries, unless it may try longer.
    scene.ways.jdbc = Some(format!("{}, 'sink.max-retries' = '50'", scene.jdbc_at(&url)));
    scene.ways.opensearch = Some(format!(
        "'hosts' = 'https://{}', 'username' = 'millstream', 'password' = 'millstream-secret',
         'ssl.certificate-authorities' = '{authority}'",
        opensearch.by_name()
    ));
    (scene, [kafka, postgres, opensearch])
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_tls_that_break_in_mid_request_lose_nothing() {
    for client in clients() {
        lose_nothing_over_tls(client).await;
    }
}

async fn lose_nothing_over_tls(client: String) {
    let (mut scene, cutters) = scene_behind_cutters().await;
    scene.client = client;
    let (load, mut job) = (scene.load(400), scene.job());
    while cutters.iter().any(|cutter| cutter.cuts() < 4) {
        assert!(load.sent() < 100_000, "cuts: {:?}", cutters.each_ref().map(Cutter::cuts));
        scene.goes_on(&load, &mut job).await;
    }
    away(&scene, Service::KafkaSecured, 1).await;
    scene.goes_on(&load, &mut job).await;
    let ended = scene.finish(load, job).await;
    for (service, cutter) in [("PostgreSQL", &cutters[1]), ("OpenSearch", &cutters[2])] {
        let port = cutter.address.rsplit(':').next().unwrap();
        let waits = ended
            .stderr
            .lines()
            .any(|line| line.contains(&format!("waiting for {service} at ")) && line.contains(port));
        assert!(waits, "nobody waited for {service}:\n{}", ended.stderr);
    }
    for secret in ["alice-secret", "millstream-secret"] {
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    }
}
