//! `simulate`, `replay --incidents` and `score` in a row, as somebody who asks how good the rules are runs them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// One incident for each site, whatever happens there; and nothing else.
const BY_SITE: &str = r#"
rules:
  - { name: 站点, match: 'site!=""', by: [site], title: "{site}: {summary}", resolve_after: 1m, reopen_within: 0s }
"#;

fn watchfire(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchfire")).args(arguments).current_dir(dir).output().unwrap()
}

/// What the command printed; it must succeed.
fn said(dir: &Path, arguments: &[&str]) -> String {
    let output = watchfire(dir, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn score(dir: &Path, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> =
        ["score", "day/truth.jsonl"].iter().chain(arguments).copied().chain(["--json"]).collect();
    serde_json::from_str(&said(dir, &arguments)).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_simulated_day_is_replayed_and_scored() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir(dir.join("rules")).unwrap();
    std::fs::write(dir.join("rules/站点.yaml"), BY_SITE).unwrap();
    let made = said(dir, &["simulate", "--seed", "1000", "--hours", "2", "--out", "day"]);
    assert!(made.contains("305 devices"), "{made}");

    said(dir, &["replay", "day/events.jsonl", "--rules", "rules", "--incidents", "incidents.jsonl"]);
    let incidents = lines(&dir.join("incidents.jsonl"));
    let truth = lines(&dir.join("day/truth.jsonl"));
    let known: BTreeSet<&str> = truth.iter().map(|one| one["id"].as_str().unwrap()).collect();
    let mut placed = BTreeSet::new();
    for incident in &incidents {
        assert!(incident["incident"].as_str().unwrap().starts_with("INC-") && incident["rule"] == "站点", "{incident}");
        for event in incident["events"].as_array().unwrap() {
            let event = event.as_str().unwrap();
            assert!(known.contains(event), "{event} is no event of the day");
            assert!(placed.insert(event.to_owned()), "{event} is in two incidents");
        }
    }
    // Every alarm that counts raised an alert, so it is in an incident; no clear is.
    for one in truth.iter().filter(|one| one["alarm"] == true) {
        assert!(placed.contains(one["id"].as_str().unwrap()), "{one} is in no incident");
    }
    let resolved = lines(&dir.join("day/events.jsonl"));
    for one in resolved.iter().filter(|one| one["status"] == "resolved") {
        assert!(!placed.contains(one["id"].as_str().unwrap()), "{one} began no firing");
    }

    let by_site = score(dir, &["incidents.jsonl"]);
    let number = |score: &Value, name: &str| score[name].as_f64().unwrap();
    // Incidents of a flap's later firings alone hold nothing that counts.
    assert!(number(&by_site, "incidents") <= incidents.len() as f64, "{by_site}");
    assert!((0.0..1.0).contains(&number(&by_site, "f1")) && number(&by_site, "recall") > 0.3, "{by_site}");
    for baseline in ["site-gap", "alec"] {
        let baseline = score(dir, &["--baseline", baseline]);
        assert!((0.3..1.0).contains(&number(&baseline, "f1")), "{baseline}");
        assert_eq!(baseline["alarms"], by_site["alarms"]);
    }
    let table = said(dir, &["score", "day/truth.jsonl", "incidents.jsonl"]);
    assert!(table.starts_with("what") && table.contains("pairwise F1"), "{table}");
}

#[test]
fn the_truth_itself_as_incidents_scores_one_and_mistakes_are_located() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    said(dir, &["simulate", "--seed", "7", "--preset", "heavy", "--hours", "1", "--out", "day", "--json"]);
    let truth = lines(&dir.join("day/truth.jsonl"));
    let mut perfect = String::new();
    let faults: BTreeSet<&str> = truth.iter().filter_map(|one| one["fault"].as_str()).collect();
    for fault in faults {
        let of: Vec<&Value> = truth.iter().filter(|one| one["fault"] == fault).collect();
        let events: Vec<&Value> = of.iter().map(|one| &one["id"]).collect();
        let line = serde_json::json!({"incident": fault, "rule": "真相", "root": of[0]["root"], "events": events});
        perfect.push_str(&format!("{line}\n"));
    }
    std::fs::write(dir.join("perfect.jsonl"), &perfect).unwrap();
    let score = score(dir, &["perfect.jsonl"]);
    for name in ["f1", "precision", "recall", "root_found", "noise_alone", "storm_gathered", "incidents_per_fault"] {
        assert_eq!(score[name], 1.0, "{name}: {score}");
    }

    std::fs::write(dir.join("broken.jsonl"), format!("{perfect}not json\n")).unwrap();
    let output = watchfire(dir, &["score", "day/truth.jsonl", "broken.jsonl"]);
    let line = perfect.lines().count() + 1;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("broken.jsonl:{line}: ")));
    assert_eq!(watchfire(dir, &["score", "day/truth.jsonl"]).status.code(), Some(2));
    assert_eq!(watchfire(dir, &["simulate", "--hours", "0", "--out", "day"]).status.code(), Some(2));
}
