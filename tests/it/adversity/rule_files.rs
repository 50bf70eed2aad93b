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

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_among_the_rules_stops_neither_intake_nor_the_end_and_is_named() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    let pipe = setup.path("rules/管.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("环.yaml", setup.path("rules/环.yaml")).unwrap();

    let (status, report) = service.post("/api/v1/rules/reload", &json!({})).await;
    assert_eq!(status, 422, "{report}");
    assert!(report.contains("管.yaml: a pipe, not a file") && report.contains("环.yaml"), "{report}");
    let pid = service.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    service.must_post("/api/v1/events", &event(1)).await;
    exactly(&service, [1]).await;
    until("the log names the pipe", async || {
        service.log().contains("actor=\"SIGHUP\"").then_some(()).filter(|()| service.log().contains("管.yaml"))
    })
    .await;
    assert_eq!(service.terminate().await.code(), Some(0));
}

/// A condition that looks at every pair of labels, and twenty events with the most and longest labels there may be.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_is_too_costly_is_broken_off_counted_and_named_by_an_event() {
    let costly = r#"
rules:
  - name: 太贵
    match: alertname="Costly"
    when: labels.all(a, labels.all(b, labels[a].matches("^[A-Za-z0-9]*$") && labels[b] != "x"))
    title: 不该有
    notify_delay: 0s
"#;
    let setup = Setup::new(&[("rules.yaml", costly)]);
    let service = setup.start().await;
    for number in 0..20 {
        let mut labels = serde_json::Map::new();
        labels.insert("alertname".to_owned(), json!("Costly"));
        labels.extend((0..60).map(|label| (format!("l{label:02}"), json!(format!("{}{number}", "x".repeat(4_000))))));
        service.must_post("/api/v1/events", &json!({"labels": labels, "severity": "minor"})).await;
    }
    until("each of them is counted", async || {
        let metrics = service.text("/metrics").await;
        let series = "watchfire_limits_hit_total{limit=\"condition_steps\"} ";
        let count = metrics.lines().find_map(|line| line.strip_prefix(series))?.parse::<f64>().ok()?;
        (count >= 20.0).then_some(())
    })
    .await;
    until("an event names the rule", async || {
        let alerts = service.text("/api/v1/alerts").await;
        (alerts.contains("ConditionTooCostly") && alerts.contains("太贵")).then_some(())
    })
    .await;
    assert!(service.log().contains("rule=\"太贵\""), "{}", service.log());
    assert!(service.incidents().await.iter().all(|one| one["rule"] != "太贵"));
}
