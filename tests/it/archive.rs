//! Old records leave the database for a file that `explain` and `replay` read; what is open, unreviewed or young stays.

use std::process::{Command, Output};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use watchfire::store::Store;

use crate::support::postgres;
use crate::support::service::Setup;

const RULES: &str = r#"
rules:
  - name: one-each
    match: alertname="Old"
    by: [n]
    pattern: each
    title: "第 {n} 件"
    notify_delay: 0s
"#;

/// Incidents of before: INC-1 to INC-3 are closed, INC-4 waits for its problem, INC-5 for its notice, INC-6 is open.
const AGE_SQLITE: &str =
    "UPDATE incidents SET opened_at = 0, body = json_set(body, '$.opened_at', '2020-01-01T00:00:00Z',
    '$.updated_at', '2020-01-02T00:00:00Z', '$.closed_at',
    CASE WHEN state = 'closed' THEN '2020-01-02T00:00:00Z' ELSE NULL END);
    UPDATE alerts SET updated_at = 0, firing = CASE WHEN fingerprint IN (SELECT fingerprint FROM memberships
    WHERE incident IN (4, 5, 6)) THEN firing ELSE 0 END;
    INSERT INTO problems (id, state, team, search, body) VALUES (900, 'investigating', '', '', '{}');
    UPDATE incidents SET problem = 900 WHERE id = 4;
    INSERT INTO outbox (cause, subject, settled, body) VALUES ('64:9999:0', 'INC-5', 0, '{}')";
const AGE_POSTGRES: &str = "UPDATE incidents SET opened_at = 0, body = (body::jsonb || jsonb_build_object('opened_at',
    '2020-01-01T00:00:00Z', 'updated_at', '2020-01-02T00:00:00Z', 'closed_at',
    CASE WHEN state = 'closed' THEN '2020-01-02T00:00:00Z' END))::text;
    UPDATE alerts SET updated_at = 0, firing = CASE WHEN fingerprint IN (SELECT fingerprint FROM memberships
    WHERE incident IN (4, 5, 6)) THEN firing ELSE 0 END;
    INSERT INTO problems (id, state, team, search, body) VALUES (900, 'investigating', '', '', '{}');
    UPDATE incidents SET problem = 900 WHERE id = 4;
    INSERT INTO outbox (cause, subject, settled, body) VALUES ('64:9999:0', 'INC-5', 0, '{}')";

async fn execute(url: &str, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection = SqliteConnection::connect(path).await.unwrap();
            sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        None => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

fn watchfire(arguments: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire")).args(arguments).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

async fn old_records_leave(url: &str, setup: Setup, age: &str) {
    let setup = setup.with(&["--database-url", url]);
    let service = setup.start().await;
    for n in 1..=6 {
        let event = json!({ "labels": { "alertname": "Old", "n": n.to_string() }, "severity": "minor" });
        service.must_post("/api/v1/events", &event).await;
    }
    assert_eq!(service.incidents().await.len(), 6);
    for n in 1..=5 {
        service.must_post(&format!("/api/v1/incidents/INC-{n}/resolve"), &json!({ "resolution": "换了光模块" })).await;
        service.must_post(&format!("/api/v1/incidents/INC-{n}/close"), &json!({})).await;
    }
    assert!(service.terminate().await.success());
    let file = setup.path("旧.ndjson").display().to_string();
    let (output, said) = watchfire(&["archive", &file, "--database-url", url]);
    assert!(output.status.success() && said.contains("0 incidents, 0 alerts"), "young: {said}");
    let (output, said) = watchfire(&["archive", &file, "--older-than", "7d", "--database-url", url]);
    assert!(!output.status.success() && said.contains("at least 30d"), "{said}");

    execute(url, age).await;
    let (output, said) = watchfire(&["archive", &file, "--older-than", "100d", "--database-url", url]);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("3 incidents, 3 alerts and 0 entries of the audit"), "{said}");
    let service = setup.start().await;
    let left: Vec<Value> = service.incidents().await.into_iter().map(|incident| incident["id"].clone()).collect();
    assert_eq!(left, ["INC-6", "INC-5", "INC-4"]);
    assert!(service.terminate().await.success());

    // What went is explained and played from the file.
    let (output, said) = watchfire(&["explain", "INC-2", "--archive", &file]);
    assert!(output.status.success() && said.contains("第 2 件") && said.contains("换了光模块"), "{said}");
    let (output, said) = watchfire(&["explain", "INC-6", "--archive", &file]);
    assert!(!output.status.success() && said.contains("not in this archive"), "{said}");
    let rules = setup.path("rules").display().to_string();
    let (output, said) = watchfire(&["replay", &file, "--rules", &rules, "--json"]);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("one-each")).count(), 3, "{said}");
    // A second time there is nothing more, and everything that is left is as it should be.
    let (_, said) = watchfire(&["archive", &file, "--older-than", "100d", "--database-url", url]);
    assert!(said.contains("0 incidents, 0 alerts"), "{said}");
    let (output, said) = watchfire(&["verify", "--database-url", url]);
    assert!(output.status.success(), "{said}");
    the_audit_goes_from_its_beginning(url).await;
}

/// The chain goes on from what was archived.
async fn the_audit_goes_from_its_beginning(url: &str) {
    let store = Store::open(url).await.unwrap();
    let oldest = store.oldest_audit(3).await.unwrap();
    let before = store.verify_audit().await.unwrap();
    assert!(oldest.len() == 3 && before.broken.is_empty(), "{before:?}");
    store.drop_audit(&oldest[2].0).await.unwrap();
    let after = store.verify_audit().await.unwrap();
    assert_eq!((after.linked, &after.broken), (before.linked - 3, &Vec::new()));
    assert_eq!(store.oldest_audit(1).await.unwrap()[0].0.seq, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_records_leave_for_a_file_that_is_read_on_sqlite() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let url = format!("sqlite:{}", setup.path("data/watchfire.db").display());
    old_records_leave(&url, setup, AGE_SQLITE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_records_leave_for_a_file_that_is_read_on_postgres() {
    old_records_leave(&postgres::database().await, Setup::new(&[("rules.yaml", RULES)]), AGE_POSTGRES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_of_what_left_is_given_back_to_the_disk() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let url = format!("sqlite:{}", setup.path("data/watchfire.db").display());
    let store = Store::open(&url).await.unwrap();
    let path = setup.path("data/watchfire.db");
    execute(
        &url,
        "INSERT INTO dead_letters (body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            SELECT hex(randomblob(2000)) FROM n",
    )
    .await;
    store.give_back_room().await.unwrap();
    let full = std::fs::metadata(&path).unwrap().len();
    execute(&url, "DELETE FROM dead_letters").await;
    store.give_back_room().await.unwrap();
    let less = std::fs::metadata(&path).unwrap().len();
    assert!(full > 7_000_000 && less < 1_000_000, "{full} bytes, then {less}");
}
