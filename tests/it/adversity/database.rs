//! The database is locked, is full, restarts.

use std::time::Duration;

use sqlx::{Connection, Executor, SqliteConnection};

use super::{Load, RULES, event, exactly, is_unavailable, none_lost_none_twice, post, status};
use crate::support::mosquitto::spawn;
use crate::support::postgres;
use crate::support::service::{Setup, until};

async fn other_process(setup: &Setup) -> SqliteConnection {
    let path = setup.path("data/watchfire.db");
    SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap()
}

/// mosquitto_pub with QoS 1 on the built-in intake: it ends with the PUBACK.
fn publishing(setup: &Setup, n: u64) -> tokio::process::Child {
    let port = setup.mqtt.port().to_string();
    let message = event(n).to_string();
    spawn("mosquitto_pub", &["-p", &port, "-q", "1", "-t", "watchfire/events/x", "-m", &message])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_refuses_intake_until_it_is_free_again() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(0)).await;
    // Its rows are written a moment after its journal, or when somebody looks.
    assert_eq!(super::numbers(&service).await.len(), 1);
    let mut lock = other_process(&setup).await;
    lock.execute("BEGIN EXCLUSIVE").await.unwrap();

    is_unavailable(&service, 1).await;
    let mut publisher = publishing(&setup, 2);
    for _ in 0..3 {
        assert_eq!(status(&service, "/-/ready").await, 503, "not ready while nothing can be kept");
        is_unavailable(&service, 1).await;
    }
    assert_eq!(status(&service, "/-/healthy").await, 200);
    assert!(service.text("/metrics").await.contains("watchfire_ready 0"), "{}", service.text("/metrics").await);
    assert!(publisher.try_wait().unwrap().is_none(), "a PUBACK for what is not kept");
    assert_eq!(super::numbers(&service).await.len(), 1, "only what was acknowledged is shown");

    lock.execute("ROLLBACK").await.unwrap();
    service.ready().await;
    let published = tokio::time::timeout(crate::support::service::PATIENCE, publisher.wait()).await;
    assert!(published.expect("the PUBACK comes").unwrap().success());
    service.must_post("/api/v1/events", &event(3)).await;
    exactly(&service, [0, 2, 3]).await;
    service.kill().await;
    exactly(&setup.start().await, [0, 2, 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_locked_database() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(0)).await;
    let mut lock = other_process(&setup).await;
    lock.execute("BEGIN EXCLUSIVE").await.unwrap();
    is_unavailable(&service, 1).await;
    let log = setup.path("log");
    let ended = service.terminate().await;
    assert_eq!(ended.code(), Some(1), "nobody is told that all is well");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("stopped while the database could not be written"), "{log}");
    lock.execute("ROLLBACK").await.unwrap();
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(1)).await;
    exactly(&service, [0, 1]).await;
}

/// Room that another program took and gives back.
const BALLAST: &str = "CREATE TABLE ballast (x BLOB); INSERT INTO ballast VALUES (zeroblob(3000000))";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_refuses_intake_until_there_is_room_again() {
    let mut setup = Setup::new(&[("rules.yaml", RULES)]);
    let path = setup.path("data/watchfire.db");
    let service = setup.start().await;
    assert!(service.terminate().await.success());
    let mut other = other_process(&setup).await;
    other.execute(BALLAST).await.unwrap();
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len() + 1_000_000;
    setup.arguments.extend(["--database-url".to_owned(), format!("sqlite:{}?max_bytes={bytes}", path.display())]);

    let service = setup.start().await;
    let mut kept = Vec::new();
    let full = loop {
        let n = kept.len() as u64;
        let mut event = event(n);
        // What does not compress.
        let noise: String =
            (0..4_000_u64).map(|i| format!("{:x}", (n * 4_001 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        event["annotations"] = serde_json::json!({ "noise": noise[..16_000] });
        let (status, _, told) = post(&service.base, "/api/v1/events", &event).await.unwrap();
        match status {
            200 => kept.push(n),
            503 => break n,
            other => panic!("{other}: {told}"),
        }
        assert!(kept.len() < 10_000, "it never fills");
    };
    assert!(kept.len() > 3, "it was full from the start");
    is_unavailable(&service, full).await;
    assert_eq!(status(&service, "/-/ready").await, 503, "not ready while nothing can be kept");
    let mut publisher = publishing(&setup, full + 1);
    is_unavailable(&service, full).await;
    assert!(publisher.try_wait().unwrap().is_none(), "a PUBACK for what is not kept");
    assert!(service.log().contains("database or disk is full"), "{}", service.log());

    until("the ballast is gone", async || other.execute("DROP TABLE ballast").await.ok().map(drop)).await;
    service.ready().await;
    let published = tokio::time::timeout(crate::support::service::PATIENCE, publisher.wait()).await;
    assert!(published.expect("the PUBACK comes").unwrap().success());
    service.must_post("/api/v1/events", &event(full + 2)).await;
    let expected: Vec<u64> = kept.into_iter().chain([full + 1, full + 2]).collect();
    exactly(&service, expected.clone()).await;
    service.kill().await;
    exactly(&setup.start().await, expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarting_postgres_loses_and_doubles_nothing() {
    let mut server = postgres::Server::start();
    let url = server.create_database().await;
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--database-url", &url]);
    let service = setup.start().await;
    let load = Load::start(&service, 3, 2);
    for _ in 0..3 {
        load.goes_on(50).await;
        server.stop();
        until("it says that it is not ready", async || (status(&service, "/-/ready").await == 503).then_some(())).await;
        is_unavailable(&service, 1).await;
        let mut publisher = publishing(&setup, 2);
        is_unavailable(&service, 1).await;
        assert!(publisher.try_wait().unwrap().is_none(), "a PUBACK for what is not kept");
        server.start_again();
        service.ready().await;
        let published = tokio::time::timeout(Duration::from_secs(60), publisher.wait()).await;
        assert!(published.expect("the PUBACK comes").unwrap().success());
    }
    load.goes_on(50).await;
    assert!(load.refused(503).await > 0);
    let mut acknowledged = load.end().await;
    acknowledged.insert(2);
    none_lost_none_twice(&service, &acknowledged).await;
    service.kill().await;
    none_lost_none_twice(&setup.start().await, &acknowledged).await;
}
