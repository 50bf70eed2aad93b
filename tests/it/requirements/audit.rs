//! Row 37: who changed what is written down for good: the audit is append-only, and whatever is done to it behind the
//! service's back is found and named.

use std::process::Command;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::support::postgres;
use crate::support::service::Setup;

/// Statements behind the service's back; answers whether all of them were let through.
async fn execute(url: &str, statements: &[&str]) -> Result<(), sqlx::Error> {
    for statement in statements {
        let statement = AssertSqlSafe((*statement).to_owned());
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::connect(path).await?;
                sqlx::raw_sql(statement).execute(&mut connection).await?;
                connection.close().await?;
            }
            None => {
                let mut connection = PgConnection::connect(url).await?;
                sqlx::raw_sql(statement).execute(&mut connection).await?;
                connection.close().await?;
            }
        }
    }
    Ok(())
}

fn verify(url: &str) -> (bool, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_watchfire")).args(["verify", "--database-url", url]).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What whoever owns the database can do: take the guard away, change, put the guard back.
const GUARDS: [(&str, &[&str]); 2] = [
    ("sqlite", &["DROP TRIGGER audit_is_not_changed", "DROP TRIGGER audit_is_not_deleted"]),
    ("postgres", &["DROP TRIGGER audit_is_append_only ON audit"]),
];

async fn tampering_is_detected(kind: &str, url: &str, setup: Setup) {
    let setup = setup.with(&["--database-url", url]);
    let service = setup.start().await;
    for n in 0..4 {
        let event = json!({ "labels": { "alertname": "LinkDown", "n": n.to_string() }, "severity": "major" });
        service.must_post("/api/v1/events", &event).await;
    }
    service.incident("it is opened", |_| true).await;
    for _ in 0..3 {
        let (status, _) = service.post("/api/v1/incidents/INC-1/acknowledge", &json!({})).await;
        assert!(status < 500, "{status}");
    }
    // From another process, while the service runs.
    let arguments = ["token", "create", "张三", "--role", "admin", "--database-url", url];
    assert!(Command::new(env!("CARGO_BIN_EXE_watchfire")).args(arguments).output().unwrap().status.success());
    assert!(service.terminate().await.success());
    let (whole, said) = verify(url);
    assert!(whole && said.contains("entries in its chain"), "{said}");

    // The database itself refuses.
    for statement in ["UPDATE audit SET actor = '李四' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"] {
        let refused = execute(url, &[statement]).await.unwrap_err().to_string();
        assert!(refused.contains("the audit is append-only"), "{refused}");
    }
    let guards = GUARDS.iter().find(|(of, _)| *of == kind).unwrap().1;
    execute(url, guards).await.unwrap();
    let (whole, said) = verify(url);
    assert!(whole, "{said}");
    // Whoever gets around that is found, and what they touched is named.
    let check = async |touch: &[&str], undo: &[&str], named: &str| {
        execute(url, touch).await.unwrap();
        let (whole, said) = verify(url);
        assert!(!whole && said.contains(named), "{kind}: {touch:?}: {said}");
        execute(url, undo).await.unwrap();
        let (whole, said) = verify(url);
        assert!(whole, "{kind}: {undo:?}: {said}");
    };
    execute(url, &["CREATE TABLE kept AS SELECT * FROM audit"]).await.unwrap();
    let edit = "UPDATE audit SET body = replace(body, '\"actor\":', '\"actor\" :') WHERE seq = 2";
    let mend = "UPDATE audit SET body = (SELECT body FROM kept WHERE kept.seq = audit.seq) WHERE seq = 2";
    check(&[edit], &[mend], "audit entry 2 was changed").await;
    let back = "INSERT INTO audit (actor, subject, action, body, seq, hash)
        SELECT actor, subject, action, body, seq, hash FROM kept WHERE seq NOT IN (SELECT seq FROM audit)";
    check(&["DELETE FROM audit WHERE seq = 2"], &[back], "audit entries 2 to 2 are missing").await;
    let last = "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)";
    check(&[last], &[back], "are missing at the end").await;
    execute(url, &["DROP TABLE kept"]).await.unwrap();
    // It goes on from there.
    let service = setup.start().await;
    service.post("/api/v1/incidents/INC-2/acknowledge", &json!({})).await;
    assert!(service.terminate().await.success());
    let (whole, said) = verify(url);
    assert!(whole, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_37_tampering_with_the_audit_is_detected_on_sqlite() {
    let setup = Setup::new(&[]);
    let url = format!("sqlite:{}", setup.path("data/watchfire.db").display());
    tampering_is_detected("sqlite", &url, setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_37_tampering_with_the_audit_is_detected_on_postgres() {
    tampering_is_detected("postgres", &postgres::database().await, Setup::new(&[])).await;
}
