//! `watchfire replay`: files and journals through other rules, and what would be different.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::service::Setup;

const BEFORE: &str = r#"
rules:
  - name: link flapping
    match: alertname="LinkDown"
    by: [site, device]
    pattern: {threshold: {count: 5, within: 10m}}
    pass_on_after: 1m
    title: "链路抖动 {device}"
  - name: link down
    match: alertname="LinkDown"
    by: [site, device]
  - name: power
    match: alertname="PowerFailure"
    by: site
"#;

async fn replay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchfire")).arg("replay").args(arguments).env("TZ", "UTC").output().await.unwrap()
}

async fn told(arguments: &[&str]) -> Value {
    let output = replay(&[arguments, &["--json"]].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {:?}", output.stdout))
}

fn event(second: i64, status: &str, labels: Value) -> String {
    let at = format!("2026-02-13T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60);
    json!({"status": status, "severity": "major", "labels": labels, "occurred_at": at}).to_string()
}

/// Three flaps of one link, a link that stays down, and a power failure.
fn recording(directory: &Path) -> String {
    let flapping = json!({"alertname": "LinkDown", "site": "GZ01", "device": "核心交换机"});
    let mut lines = Vec::new();
    for flap in 0..3 {
        lines.push(event(flap * 60, "firing", flapping.clone()));
        lines.push(event(flap * 60 + 20, "resolved", flapping.clone()));
    }
    lines.push(event(600, "firing", json!({"alertname": "LinkDown", "site": "GZ01", "device": "sw9"})));
    lines.push(event(660, "firing", json!({"alertname": "PowerFailure", "site": "GZ02"})));
    let path = directory.join("events.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// (rule, device or site) of the incidents in one list of a comparison.
fn names(list: &Value) -> Vec<(String, String)> {
    let name = |one: &Value| {
        let incident = &one["incident"];
        let key = incident["key"]["device"].as_str().or(incident["key"]["site"].as_str()).unwrap_or_default();
        (incident["rule"].as_str().unwrap().to_owned(), key.to_owned())
    };
    list.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn a_change_of_rules_shows_what_appears_vanishes_and_changes() {
    let directory = tempfile::tempdir().unwrap();
    let events = recording(directory.path());
    let before = write(directory.path(), "before.yaml", BEFORE);
    let after = BEFORE
        .replace("count: 5", "count: 3")
        .replace("alertname=\"PowerFailure\"\n", "alertname=\"PowerFailure\"\n    priority: P1\n");
    let after = write(directory.path(), "after.yaml", &after.replace("  - name: link down\n", "  - name: 链路中断\n"));
    let told = self::told(&[&events, "--rules", &before, "--against", &after]).await;
    let pair = |rule: &str, key: &str| (rule.to_owned(), key.to_owned());
    assert_eq!(names(&told["appear"]), [pair("link flapping", "核心交换机"), pair("链路中断", "sw9")]);
    assert_eq!(names(&told["vanish"]), [pair("link down", "sw9")]);
    assert_eq!(told["vanish"][0]["instead"][0]["rule"], "链路中断", "{told}");
    assert_eq!(names(&told["change"]), [pair("power", "GZ02")]);
    let fields = told["change"][0]["fields"].as_array().unwrap();
    assert!(fields.iter().any(|field| field["field"] == "priority" && field["after"] == "P1"), "{fields:?}");
    assert_eq!((&told["same"], &told["events"]), (&json!(0), &json!(8)));

    let same = self::told(&[&events, "--rules", &before, "--against", &before]).await;
    assert_eq!((&same["appear"], &same["vanish"], &same["change"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!(same["same"], 2);

    let text = replay(&[&events, "--rules", &before, "--against", &after]).await;
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("+ appears ") && text.contains("becomes 链路中断") && text.contains("priority: P2 → P1"),
        "{text}"
    );
}

#[tokio::test]
async fn the_journal_is_played_again_with_its_silences_and_its_resends() {
    let setup = Setup::new(&[("rules.yaml", BEFORE)]);
    let service = setup.start().await;
    for status in ["firing", "resolved", "firing", "resolved", "firing"] {
        let labels = json!({"alertname": "LinkDown", "site": "GZ01", "device": "核心交换机"});
        service.must_post("/api/v1/events", &json!({"status": status, "labels": labels})).await;
        // Said again: journaled in its compact form.
        service.must_post("/api/v1/events", &json!({"status": status, "labels": labels})).await;
    }
    let silence = json!({
        "matchers": [{"name": "site", "value": "GZ02", "isRegex": false, "isEqual": true}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "值班", "comment": "计划",
    });
    service.must_post("/api/v2/silences", &silence).await;
    for site in ["GZ02", "GZ03"] {
        let labels = json!({"alertname": "PowerFailure", "site": site});
        service.must_post("/api/v1/events", &json!({"labels": labels})).await;
    }
    service.incident("the power failure", |incident| incident["rule"] == "power").await;
    assert!(service.terminate().await.success());

    let data = setup.path("data").to_str().unwrap().to_owned();
    let rules = setup.path("rules").to_str().unwrap().to_owned();
    let after = write(setup.directory.path(), "after.yaml", &BEFORE.replace("count: 5", "count: 3"));
    let journal = ["--data-dir", &data, "--rules", &rules, "--from", "1h"];
    let output = replay(&[&journal[..], &["--against", &after, "--json"]].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Alone they are down long enough for the next rule; with three as the limit they are one flapping.
    let pair = |rule: &str, key: &str| (rule.to_owned(), key.to_owned());
    assert_eq!(names(&told["appear"]), [pair("link flapping", "核心交换机")], "{told}");
    assert_eq!(names(&told["vanish"]), [pair("link down", "核心交换机")], "{told}");
    assert_eq!(told["events"], 12, "five transitions and what of their repeats is no news, two power failures");
    // The silenced site is in neither story.
    assert_eq!(told["same"], 1, "{told}");
}

#[tokio::test]
async fn asking_for_too_much_names_the_earliest_moment_and_bad_words_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let check = async |arguments: &[&str], code: i32, piece: &str| {
        let output = replay(arguments).await;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(piece), "{arguments:?}: {error}");
    };
    let nowhere = directory.path().join("空").to_str().unwrap().to_owned();
    check(&[], 2, "required").await;
    check(&["--from", "昨天", "--data-dir", &nowhere], 1, "is not a time").await;
    check(&["--from", "1d", "--data-dir", &nowhere], 1, "no database of watchfire there").await;
    let broken = write(directory.path(), "broken.jsonl", "{\"labels\": {\"a\": \"b\"}}\n{\"labels\": 1}\n");
    check(&[&broken], 1, "broken.jsonl:2:").await;
}

#[tokio::test]
async fn log_lines_are_points_and_every_firing_and_clear_up_to_the_last_of_them_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let rules = "rules:\n  - {name: 掉线, match: '@status=\"point\", check=\"link\", state=\"down\"', by: [host], incident: false, \
                 pattern: {pair: {until: 'check=\"link\", state=\"up\"', within: 1h}}}\n";
    let rules = write(directory.path(), "rules.yaml", rules);
    let line = |second: u32, host: &str, state: &str| {
        let at = format!("2026-02-13T00:00:{second:02}Z");
        json!({"ts": at, "status": "firing", "labels": {"check": "link", "host": host, "state": state}}).to_string()
    };
    let lines = [line(1, "sw1", "down"), line(2, "sw2", "down"), line(3, "sw1", "up"), line(4, "sw3", "up")];
    let events = write(directory.path(), "lines.jsonl", &lines.join("\n"));
    let firings = directory.path().join("firings");
    let arguments = [&events, "--rules", &rules, "--points", "--json", "--firings", firings.to_str().unwrap()];
    let output = replay(&arguments).await;
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let expected = "raised 掉线 {host=\"sw1\"}\nraised 掉线 {host=\"sw2\"}\ncleared 掉线 {host=\"sw1\"}\n";
    assert_eq!(std::fs::read_to_string(firings).unwrap(), expected);
}
