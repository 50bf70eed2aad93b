//! The shipped rules and the reference of the rule language, as a user meets them; our matchers in Alertmanager's eyes.

use std::path::{Path, PathBuf};
use std::process::Command;

use watchfire::core::model::{Event, Labels, Matcher, MatcherOp, Status};
use watchfire::core::rules::{CheckFinding, Diagnostic, FindingKind, RuleText, Rulebook, builtin, load, report};

use crate::support::service::program;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shown(mistakes: &[Diagnostic]) -> String {
    mistakes.iter().map(|mistake| format!("{mistake:#}")).collect::<Vec<_>>().join("\n")
}

fn shipped() -> Rulebook {
    load(builtin()).unwrap_or_else(|mistakes| panic!("{}", shown(&mistakes))).rulebook
}

#[test]
fn the_shipped_rules_load_without_a_mistake_or_a_warning() {
    let loaded = load(builtin()).unwrap_or_else(|mistakes| panic!("{}", shown(&mistakes)));
    assert_eq!(shown(&loaded.warnings), "");
    let report = report(&loaded, 100_000, "2026-11-22T00:00:00Z".parse().unwrap());
    let is_cost = |finding: &CheckFinding| finding.kind == FindingKind::Unindexed;
    assert!(report.findings.iter().all(is_cost), "{report}");
    let rulebook = loaded.rulebook;
    for (what, count) in [
        ("rules", rulebook.rules.len()),
        ("inhibitions", rulebook.inhibitions.len()),
        ("ladders", rulebook.ladders.len()),
        ("problems", rulebook.problems.len()),
        ("plans", rulebook.plans.len()),
    ] {
        assert!(count > 0, "no {what} are shipped");
    }
}

#[test]
fn what_is_shipped_is_what_stands_in_the_directory() {
    let mut on_disk = Vec::new();
    find_yaml(&root().join("rules"), &mut on_disk);
    let mut texts: Vec<RuleText> = on_disk
        .iter()
        .map(|path| RuleText {
            path: path.strip_prefix(root().join("rules")).unwrap().to_str().unwrap().to_owned(),
            text: std::fs::read_to_string(path).unwrap(),
        })
        .collect();
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    // The macro that embeds them does not tell Cargo of changes: touch src/rules/defaults.rs after changing a rule file.
    assert!(builtin() == texts, "the embedded rules are older than those in rules/");
}

fn find_yaml(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("the directory can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() {
            find_yaml(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

/// The rule that owns an alert, `catch-all` when none does.
fn owner<'r>(rulebook: &'r Rulebook, labels: &[(&str, &str)], status: Status) -> &'r str {
    let event = Event::new("v2", status, Labels::from_pairs(labels.iter().copied()));
    let value = |name: &str| match name {
        "@severity" => event.normalised_severity().as_str().to_owned(),
        "@status" => event.status.as_str().to_owned(),
        "@source" => event.source.clone(),
        label => event.labels.get(label).unwrap_or_default().to_owned(),
    };
    let owns = |rule: &&watchfire::core::rules::Rule| {
        rule.matchers.iter().all(|matcher| matcher.matches_value(&value(matcher.name())))
            && rule.when.as_ref().is_none_or(|when| when.holds(&event, event.normalised_severity(), &Labels::empty()))
    };
    rulebook.rules.iter().find(owns).map_or(watchfire::core::rules::CATCH_ALL, |rule| rule.name.as_str())
}

#[test]
fn the_shipped_rules_take_the_alerts_that_they_are_for() {
    let rulebook = shipped();
    let check = |labels: &[(&str, &str)], expected: &str| {
        assert_eq!(owner(&rulebook, labels, Status::Firing), expected, "{labels:?}");
    };
    check(&[("alertname", "InstanceDown"), ("job", "node"), ("instance", "db1:9100")], "server down");
    check(&[("alertname", "InstanceDown"), ("job", "api"), ("instance", "db1:8080")], "service down");
    check(&[("alertname", "HostOutOfDiskSpace"), ("instance", "db1:9100"), ("mountpoint", "/")], "file system full");
    check(&[("alertname", "BlackboxProbeFailed"), ("instance", "https://x/")], "probe failed");
    check(&[("alertname", "KubePodCrashLooping"), ("namespace", "shop")], "workload broken");
    check(&[("alertname", "Watchdog"), ("severity", "none")], "prometheus silent");
    check(&[("alertname", "LinkDown"), ("site", "GZ01"), ("device", "sw3")], "link flapping");
    check(&[("alertname", "OpticalSignalLoss"), ("site", "GZ01"), ("device", "sw3")], "link down");
    check(&[("alertname", "DeviceDown"), ("site", "GZ01"), ("role", "core")], "core device down");
    check(&[("alertname", "DeviceDown"), ("site", "GZ01"), ("device", "sw3")], "device down");
    check(&[("alertname", "PowerFailure"), ("site", "GZ01")], "mains failed");
    check(&[("alertname", "没见过的告警"), ("severity", "critical")], "other severe alert");
    check(&[("alertname", "没见过的告警"), ("severity", "warning")], "catch-all");
    let trap = [("alertname", "linkDown"), ("device", "sw3")];
    assert_eq!(owner(&rulebook, &trap, Status::Point), "link down by trap");
    assert_eq!(owner(&rulebook, &[("alertname", "Heartbeat"), ("site", "GZ01")], Status::Point), "site silent");
}

/// Of the collections of alerts that users copy from: what pages must have a rule, and nothing may vanish in a window.
#[test]
fn severe_alerts_of_the_catalogues_are_owned() {
    let folder = std::env::var_os("WATCHFIRE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = folder.join("data/payloads/alert-catalogue");
    if !folder.is_dir() {
        println!("the shared folder is absent: no alert of the catalogues was routed");
        return;
    }
    let rulebook = shipped();
    let (mut routed, mut specific) = (0, 0);
    for name in ["src-awesome-prometheus-alerts-a.jsonl", "src-kube-prometheus-a.jsonl"] {
        for line in std::fs::read_to_string(folder.join(name)).unwrap().lines() {
            let alert: serde_json::Value = serde_json::from_str(line).unwrap();
            let severity = alert["labels"]["severity"].as_str().unwrap_or_default();
            let alertname = alert["alertname"].as_str().unwrap();
            let labels = [("alertname", alertname), ("severity", severity), ("instance", "h1:9100"), ("job", "node")];
            let owner = owner(&rulebook, &labels, Status::Firing);
            routed += 1;
            specific += usize::from(owner != "other severe alert" && owner != "catch-all");
            assert!(severity != "critical" || owner != "catch-all", "{alertname} is critical and owned by nobody");
            let rule = rulebook.rule(owner);
            let kept = rule.is_some_and(|rule| rule.because.is_some());
            assert!(!kept || alertname == "Watchdog", "{alertname} is swallowed by {owner}");
        }
    }
    println!("{routed} alerts of the catalogues were routed, {specific} of them by a rule of their own");
    assert!(routed > 600, "only {routed} alerts were read");
}

/// Every ```yaml block of the reference is loaded as a rule file.
#[test]
fn the_examples_of_the_reference_load() {
    let text = std::fs::read_to_string(root().join("rules/README.md")).unwrap();
    let mut examples = 0;
    for block in text.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let file = RuleText { path: "README.md".to_owned(), text: block.to_owned() };
        let tables = [("rooms.csv", "room,floor\n机房A,3\n"), ("geo/cities.csv", "site,city\nGZ01,广州\n")];
        let named = tables.into_iter().filter(|(path, _)| block.contains(path));
        let named = named.map(|(path, text)| RuleText { path: path.to_owned(), text: text.to_owned() });
        let texts = named.chain([file]).collect();
        let loaded = load(texts).unwrap_or_else(|mistakes| panic!("{}\nin\n{block}", shown(&mistakes)));
        assert_eq!(shown(&loaded.warnings), "", "in\n{block}");
        examples += 1;
    }
    println!("{examples} examples of the reference were loaded");
    assert!(examples >= 6, "only {examples} examples");
}

/// The reference names every key, so that a key that is added without a word there is found.
#[test]
fn the_reference_names_every_key() {
    let text = std::fs::read_to_string(root().join("rules/README.md")).unwrap();
    let keys_of = |broken: &str| {
        let file = RuleText { path: "x.yaml".to_owned(), text: broken.to_owned() };
        let mistakes = load(vec![file]).unwrap_err();
        let expected = mistakes[0].expected.trim_start_matches("one of ").to_owned();
        expected.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let mut missing = Vec::new();
    for broken in [
        "?: x",
        "rules: [{?: x}]",
        "inhibitions: [{?: x}]",
        "problems: [{?: x}]",
        "inspections: [{?: x}]",
        "tests: [{name: a, input: [{?: x}], expect: []}]",
        "tests: [{name: a, input: [], expect: [{incidents: [{?: x}]}]}]",
    ] {
        let keys = keys_of(&broken.replace('?', "unknown"));
        assert!(keys.len() >= 4, "{keys:?}");
        missing.extend(
            keys.into_iter().filter(|key| !text.contains(&format!("{key}:")) && !text.contains(&format!("`{key}`"))),
        );
    }
    assert_eq!(missing, [""; 0]);
}

/// What we print as a matcher, the real Alertmanager reads as the same: it routes exactly that value to its receiver.
#[test]
fn alertmanager_reads_our_matchers_as_the_same() {
    let amtool = program("amtool");
    let values = [
        "plain",
        "with space",
        r"back\slash",
        r"\n",
        "line\nbreak",
        r#"quo"te"#,
        "广州三楼",
        "a,b",
        "{x}",
        "tab\there",
        "=~",
        r"\",
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alertmanager.yml");
    for value in values {
        let matcher = Matcher::new("site", MatcherOp::Equal, value).unwrap();
        let route = serde_json::json!({"receiver": "hit", "matchers": [matcher.to_string()]});
        let config = serde_json::json!({
            "route": {"receiver": "root", "routes": [route]},
            "receivers": [{"name": "root"}, {"name": "hit"}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        let shown =
            Command::new(&amtool).args(["config", "routes", "show", "--config.file"]).arg(&path).output().unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains(&format!("{{{matcher}}}  receiver: hit")), "{matcher}: {shown}");
    }
    println!("amtool read {} matchers as the same", values.len());
}

/// Runs `watchfire test`; its exit code and what it printed.
fn run_tests(arguments: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_watchfire")).arg("test").args(arguments).env("TZ", "UTC").output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code(), text)
}

#[test]
fn the_tests_beside_the_shipped_rules_pass_and_every_rule_file_has_one() {
    let rules = root().join("rules");
    let (code, text) = run_tests(&[rules.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    let loaded = load(builtin()).unwrap_or_else(|mistakes| panic!("{}", shown(&mistakes)));
    println!("{} tests of the shipped rules passed", loaded.tests.len());
    for file in loaded.rulebook.texts.iter().filter(|file| file.text.contains("\nrules:")) {
        assert!(loaded.tests.iter().any(|test| test.path == file.path), "{} has no test", file.path);
    }
}

#[test]
fn a_test_that_fails_shows_expected_beside_got_and_how_far_its_rule_came() {
    let rules = r#"
rules:
  - {name: link flapping, match: 'alertname="LinkDown", site=~"GZ.*"', by: [site, device], pattern: {threshold: {count: 5, within: 10m}}, pass_on_after: 9m}
  - {name: link down, match: 'alertname="LinkDown"', by: [device]}
tests:
  - name: 四次抖动
    input:
      - {at: 0s, every: 1m, repeat: 4, resolved_after: 20s, labels: {alertname: LinkDown, site: GZ01, device: sw3}}
    expect:
      - {incidents: [{rule: link flapping, key: {device: sw3}}]}
      - {incidents: [{rule: link down}]}
  - name: 别处
    input: [{labels: {alertname: LinkDown, site: BJ01, device: 核心交换机}, severity: minor}]
    expect:
      - {incidents: [{rule: link flapping}]}
      - {incidents: [{rule: link down, severity: major}], alerts: [{labels: {site: BJ01}, held: waits}]}
  - name: good
    input: [{labels: {alertname: LinkDown, site: BJ01, device: a}}, {labels: {alertname: LinkDown, site: BJ02, device: b}}]
    expect: [{incidents: [{rule: link down}, {key: {device: a}}]}]
"#;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("规则.yaml");
    std::fs::write(&file, rules).unwrap();
    let (code, text) = run_tests(&[file.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{text}");
    for piece in [
        "FAIL  四次抖动  (规则.yaml:6)",
        "MISSING incident (规则.yaml:10)",
        r#"why: link flapping: {device="sw3", site="GZ01"}: 4 of 5 within 10m, 1 missing; has not fired"#,
        r#"but rule "link flapping" before it owns that"#,
        r#"site=~"GZ.*": site is "BJ01""#,
        "TOO MUCH: INC-1 of rule \"link down\"",
        "DIFFERENT incident INC-1 of rule \"link down\" (规则.yaml:16)",
        "≠  severity  major      minor",
        "≠  held    waits",
        "ok    good",
        "3 tests, 2 failed",
    ] {
        assert!(text.contains(piece), "{piece:?} is missing in\n{text}");
    }
    let (code, json) = run_tests(&[file.to_str().unwrap(), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["failed"], &json["tests"][2]["passed"]), (Some(1), &2.into(), &true.into()));
    assert_eq!(run_tests(&[file.to_str().unwrap(), "--name", "good"]).0, Some(0));
    assert_eq!(run_tests(&[directory.path().join("none").to_str().unwrap()]).0, Some(2));
}

#[test]
fn mistakes_and_findings_of_check_have_their_places_as_json() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.yaml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_watchfire")).arg("check").arg(&file).arg("--json").output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), json)
    };
    let (code, json) = check("rules:\n  - {name: 告警, matsch: x}\n");
    let mistake = &json["mistakes"][0];
    assert_eq!((code, &mistake["line"], &mistake["path"]), (Some(1), &2.into(), &"x.yaml".into()), "{json}");
    let (code, json) =
        check("rules:\n  - {name: a, match: 'site=\"A\"'}\n  - {name: b, match: ['site=\"A\"', 'x=\"1\"']}\n");
    let finding = &json["findings"][0];
    assert_eq!((code, &finding["kind"], &finding["line"]), (Some(0), &"unreachable".into(), &3.into()), "{json}");
}
