//! The files of the embedded database are deleted, replaced, damaged, copied by halves.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sqlx::{Connection, SqliteConnection};

use super::{Load, RULES, event, exactly, is_unavailable, none_lost_none_twice, post, status};
use crate::support::service::{PATIENCE, Service, Setup, until};

/// The value of a metric without labels.
async fn metric(service: &Service, name: &str) -> u64 {
    let text = service.text("/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

/// Waits until the service has raised that about itself.
async fn is_raised(service: &Service, alertname: &str) -> String {
    until(alertname, async || {
        let alerts = service.get("/api/v2/alerts").await;
        let alert = alerts.as_array().unwrap().iter().find(|alert| alert["labels"]["alertname"] == alertname)?;
        Some(alert["annotations"].to_string())
    })
    .await
}

fn database(setup: &Setup) -> PathBuf {
    setup.path("data/watchfire.db")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn files_deleted_under_load_are_put_back_and_nothing_acknowledged_is_lost() {
    let all = ["", "-wal", "-shm"];
    for gone in [&all[..1], &all[1..2], &all[2..], &all[..2], &all] {
        let setup = Setup::new(&[("rules.yaml", RULES)]);
        let service = setup.start().await;
        let load = Load::start(&service, 3, 2);
        load.goes_on(50).await;
        for ending in gone {
            std::fs::remove_file(with_ending(&database(&setup), ending)).unwrap();
        }
        until("it is noticed", async || {
            (metric(&service, "watchfire_database_files_gone_total").await > 0).then_some(())
        })
        .await;
        service.ready().await;
        load.goes_on(50).await;
        is_raised(&service, "DatabaseFilesGone").await;
        let acknowledged = load.end().await;
        none_lost_none_twice(&service, &acknowledged).await;
        service.kill().await;
        none_lost_none_twice(&setup.start().await, &acknowledged).await;
        println!("{gone:?}: {} acknowledged, all there", acknowledged.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_directory_is_noticed_without_any_event_and_put_back() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    for n in 0..20 {
        service.must_post("/api/v1/events", &event(n)).await;
    }
    exactly(&service, 0..20).await;
    std::fs::remove_dir_all(setup.path("data")).unwrap();
    until("the database is there again", async || database(&setup).is_file().then_some(())).await;
    service.ready().await;
    is_raised(&service, "DatabaseFilesGone").await;
    service.must_post("/api/v1/events", &event(20)).await;
    service.kill().await;
    exactly(&setup.start().await, 0..21).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_database_takes_nothing_more_and_says_where_everything_is() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let path = database(&setup);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(0)).await;
    exactly(&service, [0]).await;
    assert!(service.terminate().await.success());
    let older = setup.path("older.db");
    std::fs::copy(&path, &older).unwrap();

    let service = setup.start().await;
    let mut kept = vec![0];
    for n in 1..30 {
        service.must_post("/api/v1/events", &event(n)).await;
        kept.push(n);
    }
    std::fs::rename(&older, &path).unwrap();
    // The first one sees it; whichever way, nothing is acknowledged that is not kept.
    for n in 30..33 {
        is_unavailable(&service, n).await;
    }
    assert_eq!(status(&service, "/-/ready").await, 503);
    assert!(service.text("/metrics").await.contains("watchfire_ready 0"));
    assert!(metric(&service, "watchfire_database_files_gone_total").await > 0);
    let told = service.text("/-/ready").await;
    let rescued = with_ending(&path, ".rescued-1");
    assert!(rescued.is_file(), "{}", service.log());
    for said in [&service.log(), &told] {
        assert!(said.contains(&format!("is in {}", rescued.display())), "{said}");
        assert!(said.contains("stop the service, move it to"), "{said}");
    }

    // What it says is done.
    let ended = service.terminate().await;
    assert_eq!(ended.code(), Some(1), "nobody is told that all is well");
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(with_ending(&path, ending));
    }
    std::fs::rename(&rescued, &path).unwrap();
    let service = setup.start().await;
    let seen = super::numbers(&service).await;
    assert!(kept.iter().all(|n| seen.get(n) == Some(&1)), "{seen:?}");
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    assert_eq!(metric(&service, "watchfire_acknowledged_inputs_lost_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_at_a_start_is_a_loss_with_its_offsets() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let path = database(&setup);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(0)).await;
    assert!(service.terminate().await.success());
    let older = setup.path("older.db");
    std::fs::copy(&path, &older).unwrap();
    let service = setup.start().await;
    for n in 1..11 {
        service.must_post("/api/v1/events", &event(n)).await;
    }
    assert!(service.terminate().await.success());
    std::fs::rename(&older, &path).unwrap();
    let service = setup.start().await;
    let lost = metric(&service, "watchfire_acknowledged_inputs_lost_total").await;
    assert!(lost >= 10, "{lost}");
    is_raised(&service, "AcknowledgedInputsLost").await;
    let log = service.log();
    assert!(log.contains("acknowledged inputs are gone") && log.contains("partition 0: "), "{log}");
    assert!(log.contains("offsets "), "{log}");
    exactly(&service, [0]).await;
    // It is said once.
    assert!(service.terminate().await.success());
    let service = setup.start().await;
    assert_eq!(metric(&service, "watchfire_acknowledged_inputs_lost_total").await, 0);
}

/// It ends with status 1, and says this.
async fn refused(setup: &Setup, words: &[&str]) {
    let mut service = setup.spawn();
    let ended = tokio::time::timeout(PATIENCE, service.process.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(1), "{}", service.log());
    for word in words {
        assert!(service.log().contains(word), "{word:?} in {}", service.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_copied_without_its_log_is_refused_with_what_to_do() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    for n in 0..10 {
        service.must_post("/api/v1/events", &event(n)).await;
    }
    exactly(&service, 0..10).await;
    let copy = |with: &[&str]| {
        let other = Setup::new(&[("rules.yaml", RULES)]);
        std::fs::create_dir_all(other.path("data")).unwrap();
        for ending in with {
            let from = with_ending(&database(&setup), ending);
            std::fs::copy(from, with_ending(&database(&other), ending)).unwrap();
        }
        other
    };
    let half = copy(&[""]);
    let words = ["write-ahead log (watchfire.db-wal) is missing", "watchfire restore", "--accept-loss"];
    refused(&half, &words).await;
    refused(&half, &words).await;
    // A command that writes into one makes it no better.
    let written = copy(&[""]);
    let arguments = ["token", "create", "张三", "--role", "admin", "--data-dir"];
    let mut create = std::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
    assert!(create.args(arguments).arg(written.path("data")).output().unwrap().status.success());
    refused(&written, &words).await;
    // With the mark beside it, it is known what is missing.
    std::fs::copy(setup.path("data/acknowledged"), half.path("data/acknowledged")).unwrap();
    refused(&half, &["partition 0: ", "offsets "]).await;
    let service_of_half = half.with(&["--accept-loss"]);
    let accepted = service_of_half.start().await;
    assert!(metric(&accepted, "watchfire_acknowledged_inputs_lost_total").await >= 10);
    is_raised(&accepted, "AcknowledgedInputsLost").await;
    // Both files are the whole database; so is the one after a clean stop; so are those that a kill leaves.
    exactly(&copy(&["", "-wal"]).start().await, 0..10).await;
    service.kill().await;
    exactly(&copy(&["", "-wal"]).start().await, 0..10).await;
    let service = setup.start().await;
    exactly(&service, 0..10).await;
    assert!(service.terminate().await.success());
    exactly(&copy(&[""]).start().await, 0..10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_writes_is_for_its_own_user() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(0)).await;
    let mode = |name: &str| std::fs::metadata(setup.path(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    for name in ["data/watchfire.db", "data/watchfire.db-wal", "data/watchfire.db-shm", "data/acknowledged"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    drop(service);
}

/// Two snapshots and a tail, then a stop without ceremony.
async fn with_snapshots() -> Setup {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    for round in 0..3 {
        let service = setup.start().await;
        for n in round * 10..round * 10 + 10 {
            service.must_post("/api/v1/events", &event(n)).await;
        }
        if round < 2 { assert!(service.terminate().await.success()) } else { service.kill().await }
    }
    // One file to damage.
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", database(&setup).display())).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    setup
}

/// Bodies of sections of the newest or of all manifests, long enough to be found in the file.
async fn section_bodies(setup: &Setup, newest_only: bool) -> Vec<Vec<u8>> {
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", database(setup).display())).await.unwrap();
    let newest = "SELECT DISTINCT s.body FROM sections s JOIN manifest_sections m ON s.partition = m.partition
        AND s.name = m.name AND s.digest = m.digest WHERE length(s.body) > 60 AND ($1 = 0 OR m.next_offset =
        (SELECT MAX(next_offset) FROM manifests WHERE manifests.partition = m.partition))
        AND ($1 = 0 OR NOT EXISTS (SELECT 1 FROM manifest_sections o WHERE o.partition = m.partition AND o.name = m.name
        AND o.digest = m.digest AND o.next_offset < m.next_offset))";
    let bodies = sqlx::query_scalar(newest).bind(i64::from(newest_only)).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    bodies
}

fn position(file: &[u8], wanted: &[u8]) -> Option<usize> {
    file.windows(wanted.len()).position(|window| window == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_of_a_snapshot_falls_back_to_the_one_before_and_the_journal() {
    // Bytes that changed, and a whole page that reads as nothing; of the newest snapshot, and of both.
    for (whole_page, newest_only) in [(false, true), (false, false), (true, true), (true, false)] {
        let setup = with_snapshots().await;
        let mut file = std::fs::read(database(&setup)).unwrap();
        let mut damaged = 0;
        for body in section_bodies(&setup, newest_only).await {
            let Some(at) = position(&file, &body[10..50]) else { continue };
            if whole_page {
                let page = at / 4096 * 4096;
                file[page..page + 4096].fill(0x5A);
            } else {
                file[at..at + 20].fill(0x5A);
            }
            damaged += 1;
        }
        assert!(damaged > 0, "nothing was damaged");
        std::fs::write(database(&setup), &file).unwrap();
        let service = setup.start().await;
        exactly(&service, 0..30).await;
        assert!(metric(&service, "watchfire_snapshots_passed_over_total").await > 0, "{}", service.log());
        is_raised(&service, "SnapshotPassedOver").await;
        assert!(service.log().contains("going on with an older one and the journal"), "{}", service.log());
        let (status, _, told) = post(&service.base, "/api/v1/events", &event(30)).await.unwrap();
        assert!(status == 200 || whole_page, "{status} {told}");
        println!("page {whole_page}, newest {newest_only}: {damaged} sections damaged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_with_a_hole_behind_the_snapshot_is_refused_with_what_to_do() {
    for delete in [
        "DELETE FROM blocks WHERE partition = 0 AND first_offset = (SELECT MAX(first_offset) FROM blocks
            WHERE partition = 0)",
        "DELETE FROM blocks WHERE partition = 64",
        "UPDATE blocks SET body = zeroblob(length(body)) WHERE partition = 0",
    ] {
        let setup = with_snapshots().await;
        let mut connection =
            SqliteConnection::connect(&format!("sqlite:{}", database(&setup).display())).await.unwrap();
        sqlx::query(delete).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        refused(&setup, &["the database is not whole", "watchfire restore"]).await;
    }
}
