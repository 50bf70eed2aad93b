//! `watchfire import alertmanager`: its rules tell whom the real amtool says, when the intervals say, and its report names
//! what they cannot do.

mod judge;
mod random;
mod webhook;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use proptest::strategy::{Strategy, ValueTree};
use watchfire::core::model::{Labels, TimeDelta, Timestamp};
use watchfire::core::rules::Rulebook;

use crate::support::service::{is_long, program};
use judge::{Story, is_inhibited, is_muted, rulebook, story};
use random::Case;

/// The rule file of a configuration, and the report.
fn import(config: &Path) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire")).args(["import", "alertmanager"]).arg(config).output();
    let output = output.unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {report}", config.display());
    (String::from_utf8(output.stdout).unwrap(), report)
}

fn import_text(yaml: &str) -> (Arc<Rulebook>, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("alertmanager.yml");
    std::fs::write(&config, yaml).unwrap();
    let (text, report) = import(&config);
    let report = report.replace(config.to_str().unwrap(), "alertmanager.yml");
    (Arc::new(rulebook(&text)), report, text)
}

/// `team=db; severity=page`
fn labels(text: &str) -> Labels {
    Labels::from_pairs(text.split("; ").filter_map(|pair| pair.split_once('=')))
}

/// What becomes of one alert that fires from then on, that long.
fn after(rules: &Arc<Rulebook>, start: &str, alert: &str, after: &str) -> Story {
    let after: TimeDelta = after.parse().unwrap();
    let messages: Vec<(TimeDelta, Labels)> = (0..)
        .map(|n| TimeDelta::from_minutes(4 * n))
        .take_while(|at| *at < after)
        .map(|at| (at, labels(alert)))
        .collect();
    story(rules, start.parse().unwrap(), &messages, after)
}

/// Each line: labels -> the receivers told.
fn check_told(config: &str, expected: &[(&str, &[&str])]) {
    let (rules, _, _) = import_text(config);
    for (alert, receivers) in expected {
        let story = after(&rules, "2026-11-24T10:00:00Z", alert, "1m");
        assert_eq!(story.teams(&labels(alert)), receivers.iter().copied().collect(), "{alert} in\n{config}");
        assert_eq!(story.incidents_in_all(), receivers.len(), "{alert}: nobody else has an incident of it");
    }
}

/// Each line: when it begins, the alert, how long it fires, and who has been paged by then.
fn check_paged(config: &str, expected: &[(&str, &str, &str, &[&str])]) {
    let (rules, _, _) = import_text(config);
    for (start, alert, span, receivers) in expected {
        let story = after(&rules, start, alert, span);
        let paged = story.paged(&labels(alert));
        let paged: BTreeSet<&str> = paged.into_iter().filter_map(|(team, at)| at.map(|_| team)).collect();
        assert_eq!(paged, receivers.iter().copied().collect(), "{alert} {span} after {start}");
    }
}

#[test]
fn a_route_that_continues_hides_no_other_and_spares_the_route_above() {
    let receivers = "receivers: [{name: all}, {name: net}, {name: duty}, {name: log}, {name: sms}]\n";
    let copies = "route:\n  receiver: all\n  routes:\n    - {receiver: log, continue: true}\n    - {match: {tier: one}, receiver: duty}\n";
    check_told(&format!("{copies}{receivers}"), &[("tier=one", &["duty", "log"]), ("tier=two", &["log"])]);
    let last = "route:\n  receiver: all\n  routes:\n    - {match: {tier: one}, receiver: duty, continue: true}\n    - {match: {tier: two}, receiver: sms}\n";
    let expected: [(&str, &[&str]); 3] = [("tier=one", &["duty"]), ("tier=two", &["sms"]), ("tier=three", &["all"])];
    check_told(&format!("{last}{receivers}"), &expected);
    let nested = r#"
route:
  receiver: all
  routes:
    - match: {area: net}
      receiver: net
      continue: true
      routes:
        - {match: {page: "yes"}, receiver: duty}
        - {match: {sms: "yes"}, receiver: sms, continue: true}
    - {match: {area: net, env: lab}, receiver: all}
    - {matchers: ['env=~"prod|lab"'], receiver: log}
"#;
    let expected: [(&str, &[&str]); 6] = [
        ("area=net; page=yes; env=prod", &["duty", "log"]),
        ("area=net; env=lab", &["net", "all"]),
        ("area=net; sms=yes", &["sms"]),
        ("area=net", &["net"]),
        ("env=lab", &["log"]),
        ("area=x", &["all"]),
    ];
    check_told(&format!("{nested}{receivers}"), &expected);
}

#[test]
fn values_are_the_texts_that_stand_there() {
    let config = "route:\n  receiver: r\n  routes:\n    - {match: {a: on}, receiver: one}\n    - {match: {a: 0755}, receiver: two}\n    - {match: {a: 2.0}, receiver: three}\n    - {match: {a: 1e3}, receiver: four}\n    - {match_re: {a: 0x1F|no}, receiver: five}\nreceivers: [{name: r}, {name: one}, {name: two}, {name: three}, {name: four}, {name: five}]\n";
    let expected: [(&str, &[&str]); 8] = [
        ("a=on", &["one"]),
        ("a=true", &["r"]),
        ("a=0755", &["two"]),
        ("a=493", &["r"]),
        ("a=2.0", &["three"]),
        ("a=2", &["r"]),
        ("a=1e3", &["four"]),
        ("a=no", &["five"]),
    ];
    check_told(config, &expected);
}

#[test]
fn a_routes_times_are_that_routes_by_the_clock_of_their_zone() {
    let receivers = "receivers: [{name: all}, {name: day}, {name: night}, {name: duty}]\n";
    let pair = r#"
route:
  receiver: all
  routes:
    - {match: {severity: critical}, receiver: duty}
    - {match: {team: db}, receiver: day, active_time_intervals: [work], continue: true}
    - {match: {team: db}, receiver: night, mute_time_intervals: [work]}
time_intervals:
  - name: work
    time_intervals:
      - {weekdays: ['monday:friday'], times: [{start_time: '08:30', end_time: '17:30'}], location: Asia/Shanghai}
"#;
    let expected: [(&str, &str, &str, &[&str]); 5] = [
        ("2026-11-24T10:00:00+08:00", "team=db", "10m", &["day"]),
        ("2026-11-24T20:00:00+08:00", "team=db", "10m", &["night"]),
        ("2026-11-28T10:00:00+08:00", "team=db", "10m", &["night"]),
        ("2026-11-24T20:00:00+08:00", "team=db; severity=critical", "10m", &["duty"]),
        // What still stands when the day begins is told then.
        ("2026-11-24T07:00:00+08:00", "team=db", "2h", &["day", "night"]),
    ];
    check_paged(&format!("{pair}{receivers}"), &expected);
    // The night of 23 hours: 00:00 to 06:00 lasts 5 h.
    let night = "route:\n  receiver: all\n  mute_time_intervals: []\n  routes:\n    - {receiver: night, mute_time_intervals: [nights]}\ntime_intervals:\n  - {name: nights, time_intervals: [{times: [{start_time: '00:00', end_time: '06:00'}], location: Europe/Berlin}]}\n";
    let expected: [(&str, &str, &str, &[&str]); 4] = [
        ("2026-03-29T00:10:00+01:00", "a=1", "4h45m", &[]),
        ("2026-03-29T00:10:00+01:00", "a=1", "4h55m", &["night"]),
        ("2026-10-25T00:10:00+02:00", "a=1", "6h45m", &[]),
        ("2026-10-25T00:10:00+02:00", "a=1", "6h55m", &["night"]),
    ];
    check_paged(&format!("{night}{receivers}"), &expected);
    // Days from the end of the month, months and years.
    let month = "route:\n  receiver: all\n  routes:\n    - {receiver: day, active_time_intervals: [closing]}\ntime_intervals:\n  - {name: closing, time_intervals: [{days_of_month: ['-2:-1'], months: ['february:march', '11'], years: ['2026:2027']}]}\n";
    let expected: [(&str, &str, &str, &[&str]); 4] = [
        ("2026-02-27T12:00:00Z", "a=1", "10m", &["day"]),
        ("2026-02-26T12:00:00Z", "a=1", "10m", &[]),
        ("2026-11-30T12:00:00Z", "a=1", "10m", &["day"]),
        ("2028-02-29T12:00:00Z", "a=1", "10m", &[]),
    ];
    check_paged(&format!("{month}{receivers}"), &expected);
}

#[test]
fn a_receiver_without_anything_in_it_leaves_no_incident() {
    let config = "route:\n  receiver: all\n  routes:\n    - {match: {alertname: Watchdog}, receiver: trash}\n    - {match: {alertname: Info}, receiver: trash, continue: true}\n    - {match: {team: db}, receiver: dba}\nreceivers:\n  - {name: all, webhook_configs: [{url: 'http://127.0.0.1:9/x'}]}\n  - {name: dba, slack_configs: [{channel: db}]}\n  - {name: trash}\n";
    let expected: [(&str, &[&str]); 4] = [
        ("alertname=Watchdog; team=db", &[]),
        ("alertname=Info", &[]),
        ("alertname=Info; team=db", &["dba"]),
        ("alertname=Other", &["all"]),
    ];
    check_told(config, &expected);
    // Where nothing has anything in it, the name tells.
    check_told(
        "route: {receiver: all, routes: [{match: {a: b}, receiver: blackhole}]}\nreceivers: [{name: all}, {name: blackhole}]\n",
        &[("a=b", &[]), ("a=c", &["all"])],
    );
}

#[test]
fn inhibitions_may_have_one_side() {
    let config = "route: {receiver: all, group_by: ['...']}\ninhibit_rules:\n  - target_matchers: ['alertname = Quiet']\n  - {source_match: {alertname: Loud}, equal: [site]}\nreceivers: [{name: all}]\n";
    let (rules, _, _) = import_text(config);
    let start: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    let check = |texts: &[&str], paged: &[&str]| {
        let messages: Vec<(TimeDelta, Labels)> = texts.iter().map(|text| (TimeDelta::ZERO, labels(text))).collect();
        let story = story(&rules, start, &messages, TimeDelta::from_minutes(3));
        let told = texts.iter().filter(|text| story.paged(&labels(text)).values().any(Option::is_some)).copied();
        assert_eq!(told.collect::<Vec<_>>(), paged, "{texts:?}");
    };
    check(&["alertname=Quiet"], &["alertname=Quiet"]);
    check(&["alertname=Other", "alertname=Quiet"], &["alertname=Other"]);
    check(
        &["alertname=Loud; site=1", "alertname=X; site=1", "alertname=X; site=2"],
        &["alertname=Loud; site=1", "alertname=X; site=2"],
    );
}

#[test]
fn groups_are_those_of_the_routes() {
    let config = "route:\n  receiver: all\n  routes:\n    - {match: {by: each}, receiver: each, group_by: ['...']}\n    - {match: {by: site}, receiver: site, group_by: [site]}\nreceivers: [{name: all}, {name: each}, {name: site}]\n";
    let (rules, report, _) = import_text(config);
    let start: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    for (by, incidents) in [("none", 1), ("each", 3), ("site", 2)] {
        let alerts = ["a=1; site=1", "a=2; site=1", "a=3; site=2"].map(|text| labels(&format!("{text}; by={by}")));
        let messages = alerts.map(|alert| (TimeDelta::ZERO, alert));
        assert_eq!(story(&rules, start, &messages, TimeDelta::from_minutes(1)).incidents_in_all(), incidents, "{by}");
    }
    assert!(!report.contains("group_by"), "{report}");
    // An empty list inherits, as in an Alertmanager, and the report says so.
    let empty = "route:\n  receiver: all\n  group_by: [site]\n  routes:\n    - {match: {a: b}, group_by: []}\nreceivers: [{name: all}]\n";
    let (rules, report, _) = import_text(empty);
    assert_eq!(rules.rules[0].by, ["site"]);
    assert!(report.contains("alertmanager.yml:5") && report.contains("route.routes[0].group_by"), "{report}");
}

#[test]
fn an_alert_without_an_end_lasts_for_the_resolve_timeout() {
    let (rules, _, _) = import_text(
        "global: {resolve_timeout: 25m}\nroute: {receiver: all, group_by: [a]}\nreceivers: [{name: all}]\n",
    );
    let start: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    let twice = [TimeDelta::ZERO, TimeDelta::from_minutes(20)].map(|at| (at, labels("a=b")));
    let ended = |until| story(&rules, start, &twice, TimeDelta::from_minutes(until)).ended();
    // 25 minutes after the last message, and the five minutes of group_interval.
    assert_eq!((ended(44), ended(49), ended(51)), (0, 0, 1));
}

#[test]
fn what_has_no_equal_is_named_by_line_and_the_rest_is_imported() {
    let config = r#"global: {resolve_timeout: 1y, slack_api_url: 'http://127.0.0.1:9/s'}
route:
  receiver: all
  repeat_interval: 8760h
  group_wait: 2h
  routes:
    - match: {a: b}
      receiver: net
      repeat_interval: 500ms
      mute_time_intervals: [gone, lunch]
receivers:
  - {name: all, webhook_configs: [{url: 'http://127.0.0.1:9/z'}]}
  - name: net
    pagerduty_configs: [{routing_key: k}]
    webhook_configs: [{url: 'http://127.0.0.1:9/x', send_resolved: false, http_config: {}}]
time_intervals:
  - name: lunch
    time_intervals: [{times: [{start_time: '12:00', end_time: '13:00'}], location: Local}]
  - name: broken
    time_intervals: [{weekdays: ['friday:monday']}]
inhibit_rules:
  - {equal: [a]}
templates: [x.tmpl]
"#;
    let (rules, report, _) = import_text(config);
    let expected = [
        (1, "global.resolve_timeout"),
        (1, "global.slack_api_url"),
        (4, "route.repeat_interval"),
        (5, "route.group_wait"),
        (7, "route.routes[0].mute_time_intervals"),
        (9, "route.routes[0].repeat_interval"),
        (14, "receivers[1].pagerduty_configs"),
        (15, "receivers[1].webhook_configs[0].http_config"),
        (18, "time_intervals[0].time_intervals[0].location"),
        (20, "time_intervals[1].time_intervals[0].weekdays"),
        (22, "inhibit_rules[0]"),
        (23, "templates"),
    ];
    for (line, setting) in expected {
        let named = report.lines().any(|text| {
            let mut words = text.split_whitespace();
            words.next() == Some(&format!("alertmanager.yml:{line}")) && words.next() == Some(setting)
        });
        assert!(named, "line {line}, {setting}, in\n{report}");
    }
    assert_eq!(
        rules.rules.iter().map(|rule| rule.ladder.as_str()).collect::<Vec<_>>(),
        ["net, again every 1s", "all, again every 90d"]
    );
}

/// Whom amtool says.
fn amtool(config: &Path, alert: &[(&str, String)]) -> BTreeSet<String> {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    let mut amtool = Command::new(program("amtool"));
    amtool.args(["config", "routes", "test"]).arg(format!("--config.file={}", config.display()));
    amtool.args(alert.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))));
    let said = amtool.env("HOME", config.parent().unwrap()).output().unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success(), "{}{text}", String::from_utf8_lossy(&said.stderr));
    text.trim().split(',').map(str::to_owned).collect()
}

/// Of each alert of the case whom it told; the first difference is the error.
fn compare(case: &Case, directory: &Path, counts: &mut [usize; 4]) -> Result<(), String> {
    let config = directory.join("alertmanager.yml");
    std::fs::write(&config, case.yaml()).unwrap();
    let (text, _) = import(&config);
    let rules = Arc::new(rulebook(&text));
    let begin: Timestamp = "2026-01-01T00:00:05Z".parse().unwrap();
    for (pairs, others, minute) in &case.alerts {
        let start = begin + TimeDelta::from_minutes(*minute);
        let named = |pairs: &[(&'static str, String)], name: &str| {
            let all = pairs.iter().map(|(name, value)| (*name, value.as_str()));
            Labels::from_pairs(all.chain([("alertname", name)]))
        };
        let (alert, other) = (named(pairs, "Alert"), named(others, "Other"));
        let messages = [(TimeDelta::ZERO, other), (TimeDelta::ZERO, alert.clone())];
        // Every group_wait is over, and the minute is not: a route is mute all the while, or not at all.
        let story = story(&rules, start, &messages, TimeDelta::from_seconds(35));
        let arguments: Vec<(&str, String)> = pairs.iter().cloned().chain([("alertname", "Alert".to_owned())]).collect();
        let said = amtool(&config, &arguments);
        let expected: BTreeSet<&str> = said.iter().map(String::as_str).filter(|name| !case.is_nobody(name)).collect();
        counts[0] += 1;
        counts[1] += usize::from(expected.len() > 1);
        let inhibited = is_inhibited(&case.inhibitions, pairs, others);
        counts[3] += usize::from(inhibited);
        // A fully held condition is not told to the desk: then only who owns it is known.
        if !inhibited && story.teams(&alert) != expected {
            return Err(format!("{pairs:?}: {:?}, amtool says {expected:?}", story.teams(&alert)));
        }
        for (team, paged) in story.paged(&alert) {
            // Whose times hold is known where one route alone sends to that receiver.
            let routes = case.routes_to(team);
            let [route] = routes.as_slice() else { continue };
            let is_muted = is_muted(case, &route.mute, &route.active, start);
            counts[2] += usize::from(is_muted);
            let silent = is_muted || inhibited;
            if paged.is_some() == silent {
                return Err(format!("{pairs:?} beside {others:?} at {start}: {team} paged {paged:?}, silent {silent}"));
            }
        }
    }
    Ok(())
}

#[test]
fn random_configurations_tell_whom_amtool_says_at_the_times_that_they_say() {
    let (cases, alerts) = if is_long() { (500, 10) } else { (30, 10) };
    let directory = tempfile::tempdir().unwrap();
    let mut runner = random::runner();
    let mut counts = [0; 4];
    for _ in 0..cases {
        let mut tree = random::case(alerts).new_tree(&mut runner).unwrap();
        let Err(mut difference) = compare(&tree.current(), directory.path(), &mut counts) else { continue };
        let mut worst = tree.current();
        let mut steps = 0;
        // Down to the smallest that still differs.
        while steps < 300 && tree.simplify() {
            steps += 1;
            match compare(&tree.current(), directory.path(), &mut [0; 4]) {
                Err(smaller) => (worst, difference) = (tree.current(), smaller),
                Ok(()) => {
                    tree.complicate();
                }
            }
        }
        panic!("{difference}\nin\n{}", worst.yaml());
    }
    let [compared, several, muted, inhibited] = counts;
    println!(
        "{compared} alerts in {cases} configurations: {several} told several, {muted} muted, {inhibited} inhibited"
    );
    assert!(
        several > compared / 10 && muted > compared / 50 && inhibited > compared / 50,
        "too little to compare: {counts:?}"
    );
}

#[test]
fn published_configurations_become_rule_files_that_load() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("WATCHFIRE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("data/payloads/alertmanager-config");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("ABSENT: {} (set WATCHFIRE_SHARED to the shared folder); nothing was imported", folder.display());
        return;
    };
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e != "md"));
    let mut imported = 0;
    for file in files {
        let (text, report) = import(&file);
        assert!(!rulebook(&text).rules.is_empty() && report.contains("repeat_interval"), "{}", file.display());
        imported += 1;
    }
    println!("{imported} configurations imported");
    assert!(imported >= 9);
}
