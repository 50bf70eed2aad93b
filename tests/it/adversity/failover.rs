//! PostgreSQL falls back to what a lagging standby had; has hardly any connections to give; sits behind a pooler.

use sqlx::{Connection, PgConnection};

use super::{Load, RULES, event, exactly, status};
use crate::support::postgres::{self, Pooler, execute};
use crate::support::service::{PATIENCE, Setup, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_to_a_lagging_standby_is_a_counted_raised_loss_with_its_offsets() {
    let mut server = postgres::Server::start();
    let url = server.create_database().await;
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--database-url", &url]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(0)).await;
    exactly(&service, [0]).await;
    // What the standby has.
    server.copy_data();
    service.ready().await;
    until("it takes events again", async || {
        let (status, _) = service.post("/api/v1/events", &event(1)).await;
        (status == 200).then_some(())
    })
    .await;
    for n in 2..40 {
        service.must_post("/api/v1/events", &event(n)).await;
    }
    server.fall_back();
    let lost = until("the loss is counted", async || {
        // Each may be refused while the state is put back.
        service.post("/api/v1/events", &event(50)).await;
        let text = service.text("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix("watchfire_acknowledged_inputs_lost_total "))?;
        line.parse::<u64>().ok().filter(|lost| *lost > 0)
    })
    .await;
    assert!(lost >= 39, "39 events and what followed from them: {lost}");
    service.ready().await;
    until("it is raised", async || {
        let alerts = service.get("/api/v2/alerts").await;
        let all = alerts.as_array().unwrap();
        all.iter().any(|alert| alert["labels"]["alertname"] == "AcknowledgedInputsLost").then_some(())
    })
    .await;
    let log = service.log();
    assert!(log.contains("partition 0: ") && log.contains("offsets "), "{log}");
    service.must_post("/api/v1/events", &event(51)).await;
    let seen = super::numbers(&service).await;
    assert!(seen.contains_key(&0) && seen.contains_key(&51) && !seen.contains_key(&39), "{seen:?}");

    // The same between two runs.
    assert!(service.terminate().await.success());
    server.fall_back();
    let service = setup.start().await;
    let text = service.text("/metrics").await;
    assert!(!text.contains("watchfire_acknowledged_inputs_lost_total 0"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_three_connections_it_comes_back_whoever_reads() {
    let server = postgres::Server::start();
    let url = server.create_database().await;
    execute(&url, "CREATE ROLE few LOGIN CONNECTION LIMIT 3").await;
    execute(&url, "GRANT ALL ON SCHEMA public TO few").await;
    let few = url.replace("postgres://postgres@", "postgres://few@");
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--database-url", &few]);
    let service = setup.start().await;
    let load = Load::start(&service, 2, 2);
    let reading: Vec<_> = (0..6)
        .map(|_| {
            let (base, end) = (service.base.clone(), load.end.clone());
            tokio::spawn(async move {
                let client = super::client();
                while !end.is_cancelled() {
                    let _ = client.get(format!("{base}/api/v1/incidents?limit=5")).send().await;
                }
            })
        })
        .collect();
    for _ in 0..3 {
        load.goes_on(30).await;
        let mut other = PgConnection::connect(&url).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'few'";
        sqlx::query(end).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    }
    load.goes_on(30).await;
    let acknowledged = load.end().await;
    for reader in reading {
        reader.await.unwrap();
    }
    service.ready().await;
    super::none_lost_none_twice(&service, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connections_are_refused_with_how_many_are_needed() {
    let server = postgres::Server::start();
    let url = server.create_database().await;
    execute(&url, "CREATE ROLE single LOGIN CONNECTION LIMIT 2").await;
    execute(&url, "GRANT ALL ON SCHEMA public TO single").await;
    let single = url.replace("postgres://postgres@", "postgres://single@");
    refused(&single, &["watchfire needs 3 at least"]).await;
}

async fn refused(url: &str, words: &[&str]) {
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--database-url", url]);
    let mut service = setup.spawn();
    let ended = tokio::time::timeout(PATIENCE, service.process.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(1), "{}", service.log());
    for word in words {
        assert!(service.log().contains(word), "{word:?} in {}", service.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_is_set_up_otherwise_is_refused_with_its_settings() {
    let server = postgres::Server::start();
    let needed = ["pool_mode = session", "1.21", "ignore_startup_parameters = extra_float_digits"];
    let url = server.create_database().await;
    let pooler = Pooler::start(&server, "pool_mode = session\n");
    refused(&pooler.url(&url), &needed).await;
    // An older pgbouncer does not know prepared statements of transactions.
    let ignoring = "ignore_startup_parameters = extra_float_digits\n";
    let pooler = Pooler::start(&server, &format!("pool_mode = transaction\n{ignoring}"));
    if pooler.is_before_1_21() {
        refused(&pooler.url(&url), &needed).await;
    }
    let pooler = Pooler::start(&server, &format!("pool_mode = session\n{ignoring}"));
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--database-url", &pooler.url(&url)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(0)).await;
    exactly(&service, [0]).await;
    assert_eq!(status(&service, "/-/ready").await, 200);
}
