//! Backups of a service under load, restored into either database; the schedule that makes them; `verify`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use watchfire::core::model::Timestamp;
use watchfire::store::{AuditFilter, IncidentFilter, PageRequest, Store, restore};

use crate::support::postgres;
use crate::support::service::{Service, Setup, until};

const RULES: &str = r#"
rules:
  - name: one-each
    match: alertname="Kept"
    by: [n]
    pattern: each
    title: "第 {n} 件"
    notify_delay: 0s
"#;

fn event(n: u64) -> Value {
    json!({ "labels": { "alertname": "Kept", "n": n.to_string() }, "severity": "minor" })
}

fn setup() -> Setup {
    Setup::new(&[("rules.yaml", RULES)])
}

/// A command of the program, to its end.
async fn watchfire(arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(arguments).env_remove("RUST_LOG").current_dir(std::env::temp_dir()).output().await.unwrap()
}

async fn done(arguments: &[&str]) -> String {
    let output = watchfire(arguments).await;
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{error}");
    out.into_owned()
}

/// It fails with exit code 1, and says this.
async fn fails(arguments: &[&str], words: &str) {
    let output = watchfire(arguments).await;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains(words), "{words:?} in {said}");
}

async fn numbers(service: &Service) -> BTreeSet<u64> {
    let (mut seen, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = service.get(&format!("/api/v1/incidents?limit=500{cursor}")).await;
        for incident in page["items"].as_array().unwrap() {
            if let Some(n) = incident["key"]["n"].as_str() {
                assert!(seen.insert(n.parse().unwrap()), "twice: {incident}");
            }
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

/// Sends one event after the other until told to end; answers what was acknowledged.
fn load(
    service: &Service,
    from: u64,
    end: tokio_util::sync::CancellationToken,
) -> tokio::task::JoinHandle<BTreeSet<u64>> {
    let (client, base) = (service.client.clone(), service.base.clone());
    tokio::spawn(async move {
        let mut acknowledged = BTreeSet::new();
        for n in from.. {
            if end.is_cancelled() {
                break;
            }
            let answer = client.post(format!("{base}/api/v1/events")).json(&event(n)).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            acknowledged.insert(n);
        }
        acknowledged
    })
}

/// A service of one kind is backed up while events stream in, and goes on from the backup in a database of the other.
async fn back_up_and_restore(from: &str, to: &str) {
    let (mut old, mut new) = (setup(), setup());
    let mut urls = Vec::new();
    for (kind, setup) in [(from, &mut old), (to, &mut new)] {
        let url = match kind {
            "postgres" => postgres::database().await,
            _ => format!("sqlite:{}", setup.path("data/watchfire.db").display()),
        };
        setup.arguments.extend(["--database-url".to_owned(), url.clone()]);
        urls.push(url);
    }
    let service = old.start().await;
    let before: BTreeSet<u64> = (0..40).collect();
    for n in &before {
        service.must_post("/api/v1/events", &event(*n)).await;
    }
    service.must_post("/api/v1/incidents/INC-1/acknowledge", &json!({})).await;
    let end = tokio_util::sync::CancellationToken::new();
    let loads = [load(&service, 1_000, end.clone()), load(&service, 100_000, end.clone())];
    let file = old.path("备份.backup");
    let shown = file.display().to_string();
    let said = done(&["backup", &shown, "--database-url", &urls[0]]).await;
    assert!(said.contains("rows"), "{said}");
    end.cancel();
    let mut acknowledged = before.clone();
    for load in loads {
        acknowledged.extend(load.await.unwrap());
    }
    assert!(acknowledged.len() > before.len(), "no load beside the backup");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let timeline = service.get("/api/v1/incidents/INC-1/timeline").await;

    let verdict = done(&["verify", &shown]).await;
    assert!(verdict.contains("nothing is wrong") && verdict.contains("compared the state"), "{verdict}");
    done(&["restore", &shown, "--database-url", &urls[1]]).await;
    fails(&["restore", &shown, "--database-url", &urls[1]], "is not empty").await;
    let restored = new.start().await;
    let seen = numbers(&restored).await;
    assert!(before.is_subset(&seen), "{:?}", before.difference(&seen));
    assert!(seen.is_subset(&acknowledged), "{:?}", seen.difference(&acknowledged));
    assert_eq!(restored.get("/api/v1/incidents/INC-1/timeline").await, timeline);
    // It is not a loss: this place never acknowledged more.
    assert!(restored.text("/metrics").await.contains("watchfire_acknowledged_inputs_lost_total 0"));
    restored.must_post("/api/v1/events", &event(500)).await;
    assert!(numbers(&restored).await.contains(&500));
    assert!(restored.terminate().await.success());
    let verdict = done(&["verify", "--database-url", &urls[1]]).await;
    assert!(verdict.contains("nothing is wrong") && verdict.contains("compared the state"), "{verdict}");
    println!("{from} to {to}: {} of {} acknowledged are in the backup", seen.len(), acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_from_sqlite_into_sqlite() {
    back_up_and_restore("sqlite", "sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_from_sqlite_into_postgres() {
    back_up_and_restore("sqlite", "postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_from_postgres_into_sqlite() {
    back_up_and_restore("postgres", "sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_from_postgres_into_postgres() {
    back_up_and_restore("postgres", "postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_backup_is_refused_before_anything_is_begun() {
    let setup = setup();
    let service = setup.start().await;
    for n in 0..20 {
        service.must_post("/api/v1/events", &event(n)).await;
    }
    let (file, data) = (setup.path("w.backup"), setup.path("data").display().to_string());
    let shown = file.display().to_string();
    done(&["backup", &shown, "--data-dir", &data]).await;
    fails(&["backup", &shown, "--data-dir", &data], "is not empty").await;
    fails(&["backup", &setup.path("x").display().to_string(), "--data-dir", "/nowhere"], "no database").await;
    let whole = std::fs::read(&file).unwrap();
    let elsewhere = setup.path("elsewhere").display().to_string();
    for damaged in [&whole[..whole.len() / 2], &whole[..20], &[]] {
        std::fs::write(&file, damaged).unwrap();
        fails(&["verify", &shown], "no whole backup").await;
        fails(&["restore", &shown, "--data-dir", &elsewhere], "no whole backup").await;
        assert!(!Path::new(&elsewhere).join("watchfire.db").exists());
    }
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&file, &changed).unwrap();
    fails(&["verify", &shown], "no whole backup").await;
}

fn backups(directory: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|file| file.path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "backup")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_made_by_themselves_and_the_oldest_go() {
    let setup = setup();
    let directory = setup.path("backups");
    std::fs::create_dir_all(&directory).unwrap();
    let old = ["watchfire-2026-01-01T000000Z.backup", "watchfire-2026-01-02T000000Z.backup"];
    for name in old {
        std::fs::write(directory.join(name), "").unwrap();
    }
    std::fs::write(directory.join("somebody's.backup"), "").unwrap();
    let setup = setup.with(&["--backup-dir", &directory.display().to_string(), "--backup-keep", "2"]);
    let service = setup.start().await;
    until("a backup is made", async || {
        let text = service.text("/metrics").await;
        text.contains("watchfire_backups_total{outcome=\"success\"} 1").then_some(())
    })
    .await;
    let kept = backups(&directory);
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(!directory.join(old[0]).exists() && directory.join(old[1]).exists(), "{kept:?}");
    let new = kept.iter().find(|path| std::fs::metadata(path).unwrap().len() > 0).unwrap();
    done(&["verify", &new.display().to_string()]).await;
    let text = service.text("/metrics").await;
    let at = text.lines().find_map(|line| line.strip_prefix("watchfire_backup_last_verified_timestamp_seconds "));
    assert!(at.unwrap().parse::<f64>().unwrap() > 1_700_000_000.0, "{at:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_verified_backup_it_is_raised_until_there_is_one() {
    let setup = setup();
    // A file stands where the directory should be.
    let place = setup.path("backups");
    std::fs::write(&place, "").unwrap();
    let setup = setup.with(&["--backup-dir", &place.display().to_string()]);
    let overdue = async |service: &Service| {
        let alerts = service.get("/api/v2/alerts").await;
        alerts.as_array().unwrap().iter().any(|alert| alert["labels"]["alertname"] == "BackupOverdue")
    };
    let service = setup.start().await;
    until("it is raised", async || overdue(&service).await.then_some(())).await;
    assert!(service.text("/metrics").await.contains("watchfire_backups_total{outcome=\"failure\"} 1"));
    assert!(service.log().contains("watchfire backup FILE"), "{}", service.log());
    assert!(service.terminate().await.success());
    std::fs::remove_file(&place).unwrap();
    let service = setup.start().await;
    until("it is over", async || (!overdue(&service).await).then_some(())).await;
}

/// A database as each released schema had it, with a row in every table that people ask.
#[tokio::test(flavor = "multi_thread")]
async fn every_released_schema_runs_forward() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let all = Migrator::new(root.join("sqlite")).await.unwrap();
    let versions: Vec<i64> = all.iter().map(|migration| migration.version).collect();
    for version in &versions {
        for kind in ["sqlite", "postgres"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("watchfire.db");
            let (url, pool) = match kind {
                "sqlite" => (format!("sqlite:{}", path.display()), "sqlite"),
                _ => (postgres::database().await, "postgres"),
            };
            let mut migrator = Migrator::new(root.join(pool)).await.unwrap();
            let until: Vec<_> = migrator.iter().filter(|one| one.version <= *version).cloned().collect();
            migrator.migrations = until.into();
            if kind == "sqlite" {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                migrator.run_direct(None, &mut connection, false).await.unwrap();
                connection.execute(sqlx::raw_sql(AssertSqlSafe(ROWS.to_owned()))).await.unwrap();
                connection.close().await.unwrap();
            } else {
                let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
                migrator.run_direct(None, &mut connection, false).await.unwrap();
                connection.execute(sqlx::raw_sql(AssertSqlSafe(ROWS.to_owned()))).await.unwrap();
                connection.close().await.unwrap();
            }
            let store = Store::open(&url).await.unwrap();
            let audit = store.audit(&AuditFilter::default(), &PageRequest::default()).await.unwrap();
            assert_eq!(audit.items.len(), 1, "{kind} from {version}");
            assert_eq!(store.setting("domain_label").await.unwrap().as_deref(), Some("site"));
            assert_eq!(store.tokens().await.unwrap().len(), 1);
            let verdict = store.verify_audit().await.unwrap();
            assert!(verdict.broken.is_empty(), "{kind} from {version}: {verdict:?}");
            store.revoke_token("张三", Timestamp::from_seconds(1)).await.unwrap();
            let verdict = store.verify_audit().await.unwrap();
            assert_eq!((verdict.linked, verdict.broken.len()), (1, 0), "{kind} from {version}: {verdict:?}");
        }
    }
    println!("{} released schemas, on both databases", versions.len());
    assert!(versions.len() >= 3);
}

const ROWS: &str = r#"
INSERT INTO settings (name, value) VALUES ('domain_label', 'site');
INSERT INTO tokens (name, role, sha256, created_at) VALUES
    ('张三', 'first_line', '0000000000000000000000000000000000000000000000000000000000000000', 0);
INSERT INTO alerts (fingerprint, firing, source, rule, updated_at, search, body) VALUES (1, 0, 'native', '', 0, '', '{}');
INSERT INTO heads (partition, next_offset, bytes) VALUES (0, 0, 0);
INSERT INTO audit (actor, subject, action, body) VALUES ('operator', 'x', 'token.add',
    '{"cause":{"partition":64,"offset":0,"n":0},"at":"1970-01-01T00:00:00Z","actor":"operator","role":"admin",
      "action":"token.add","subject":"x","detail":"","refused":null}');
"#;

/// A backup of a database as the release with schema 2 left it goes into either database of today.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_an_earlier_schema_restores_into_either_database() {
    let backup = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/backup/schema_2.backup");
    let directory = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", directory.path().join("watchfire.db").display());
    for url in [sqlite, postgres::database().await] {
        let contents = restore(&backup, &url, &|_| {}).await.unwrap();
        assert_eq!(contents.schema, 2);
        let store = Store::open(&url).await.unwrap();
        let incidents = store.incidents(&IncidentFilter::default(), &PageRequest::default()).await.unwrap().items;
        let titles: Vec<&str> = incidents.iter().map(|incident| incident.title.as_str()).collect();
        assert_eq!(titles, ["sw5 链路中断", "sw4 链路中断", "sw3 链路中断", "sw2 链路中断", "sw1 链路中断"]);
        assert!(store.verify_audit().await.unwrap().broken.is_empty());
        assert_eq!(store.tokens().await.unwrap().len(), 1);
    }
}
