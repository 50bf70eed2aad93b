//! A rule file is broken while the service runs, and still broken when it starts again.

use serde_json::json;

use super::{RULES, event, exactly};
use crate::support::service::{Setup, until};

const BROKEN: &str = "rules:\n  - name: 坏\n    matsch: a=\"b\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_change_nothing_now_or_at_the_next_start_and_the_report_says_where() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(1)).await;
    setup.write_rule("broken.yaml", BROKEN);
    let (status, report) = service.post("/-/reload", &json!({})).await;
    assert!((400..=599).contains(&status), "{status}");
    assert!(report.contains("broken.yaml:3:5") && report.contains("matsch"), "{report}");

    let (status, problem) = service.post("/api/v1/rules/reload", &json!({})).await;
    assert_eq!(status, 422, "{problem}");
    assert!(problem.contains("broken.yaml:3:5") && problem.contains("about:blank"), "{problem}");

    let pid = service.process.id().unwrap().to_string();
    let before = service.log().matches("the old rules stay in force").count();
    assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    until("the log names the mistake", async || {
        (service.log().matches("the old rules stay in force").count() > before).then_some(())
    })
    .await;
    assert!(
        service.log().contains("actor=\"SIGHUP\"") && service.log().contains("broken.yaml:3:5"),
        "{}",
        service.log()
    );
    service.must_post("/api/v1/events", &event(2)).await;
    exactly(&service, [1, 2]).await;

    service.kill().await;
    std::fs::write(setup.path("rules/rules.yaml"), b"rules:\n  - name: \xff\n").unwrap();
    let service = setup.start().await;
    let log = service.log();
    assert!(log.contains("going on with the rules that were in force"), "{log}");
    assert!(log.contains("rules.yaml:2:11: not UTF-8"), "{log}");
    service.must_post("/api/v1/events", &event(3)).await;
    exactly(&service, [1, 2, 3]).await;

    std::fs::remove_file(setup.path("rules/broken.yaml")).unwrap();
    setup.write_rule("rules.yaml", &RULES.replace("第 {n} 件", "第 {n} 号"));
    service.must_post("/-/reload", &json!({})).await;
    service.must_post("/api/v1/events", &event(4)).await;
    service.incident("the mended rules are in force", |one| one["title"] == "第 4 号").await;

    // Who asked is in the audit; a signal and a start are the service's own.
    setup.write_rule("rules.yaml", RULES);
    let pid = service.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    let actors = until("the signalled reload is audited", async || {
        let audit = service.get("/api/v1/audit?action=rulebook.change").await;
        let of = |entry: &serde_json::Value| format!("{} {}", entry["actor"], entry["role"]).replace('"', "");
        let actors: Vec<String> = audit["items"].as_array().unwrap().iter().map(of).collect();
        (actors.len() == 3).then_some(actors)
    })
    .await;
    assert_eq!(actors, ["watchfire system", "anonymous admin", "watchfire system"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_on_broken_rules_is_refused_with_the_report() {
    let setup = Setup::new(&[("broken.yaml", BROKEN)]);
    let mut service = setup.spawn();
    let ended = tokio::time::timeout(crate::support::service::PATIENCE, service.process.wait()).await;
    assert_eq!(ended.expect("it ends").unwrap().code(), Some(1));
    assert!(service.log().contains("broken.yaml:3:5"), "{}", service.log());
}
