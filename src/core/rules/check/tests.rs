//! Rules with findings, and their texts and places.

use super::{CheckReport, FindingKind, report};
use crate::core::rules::{RuleText, load};

/// A window limit that only the test's own inventory exceeds.
const WINDOWS: usize = 3;
const NOW: &str = "2026-12-02T00:00:00Z";

fn report_on(text: &str) -> CheckReport {
    let texts = vec![RuleText { path: "x.yaml".to_owned(), text: text.to_owned() }];
    report(&load(texts).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")), WINDOWS, NOW.parse().unwrap())
}

#[track_caller]
fn check(kind: FindingKind, rules: &str, expected: &[&str]) {
    let report = report_on(rules);
    let found: Vec<String> = report.of_kind(kind).map(|one| format!("{}: {}", one.place, one.message)).collect();
    assert_eq!(found, expected, "{rules}");
}

fn check_unreachable(rules: &str, expected: &[(&str, &str)]) {
    let report = report_on(rules);
    let found: Vec<_> = report.of_kind(FindingKind::Unreachable).collect();
    assert_eq!(found.len(), expected.len(), "{rules}: {found:?}");
    for (finding, (rule, owner)) in found.into_iter().zip(expected) {
        assert_eq!(finding.rule, *rule);
        assert!(finding.message.contains(&format!("{owner:?} before it")), "{finding:?}");
    }
}

#[test]
fn a_rule_behind_a_wider_one_is_never_reached() {
    check_unreachable(
        r#"
rules:
  - {name: wide, match: 'alertname="LinkDown"'}
  - {name: narrow, match: 'alertname="LinkDown", site="GZ01"'}
  - {name: other, match: 'alertname="LinkUp"'}
"#,
        &[("narrow", "wide")],
    );
    check_unreachable(
        r#"
rules:
  - {name: south, match: 'site=~"GZ.*|SZ.*"'}
  - {name: gz, match: 'site="GZ01", alertname="LinkDown"'}
  - {name: both, match: 'site=~"GZ1|SZ2"'}
  - {name: north, match: 'site="BJ01"'}
"#,
        &[("gz", "south"), ("both", "south")],
    );
}

#[test]
fn rules_that_let_go_hide_nothing() {
    check_unreachable(
        r#"
rules:
  - {name: on, match: 'alertname="A"', continue: true}
  - {name: sometimes, match: 'alertname="A"', when: "value > 3.0"}
  - {name: often, match: 'alertname="A"', pattern: {threshold: {count: 3, within: 5m}}}
  - {name: last, match: 'alertname="A"'}
"#,
        &[],
    );
    check_unreachable(
        r#"
rules:
  - {name: swallow, match: 'alertname="A"', pattern: {threshold: {count: 3, within: 5m}}, justification: noise}
  - {name: all, continue: true}
  - {name: last, match: 'alertname="A"'}
"#,
        &[("last", "swallow")],
    );
}

#[test]
fn what_no_value_can_find_is_named() {
    let report = report_on(
        r#"
rules:
  - {name: 等值, match: 'alertname="A"'}
  - {name: choice, match: 'alertname=~"A1|B1"'}
  - {name: pattern, match: 'alertname=~"A2.*"'}
  - {name: perhaps, match: 'alertname=~"(A2.*)?"'}
  - {name: normalised, match: '@severity="critical"'}
  - {name: everything, continue: true}
"#,
    );
    let named: Vec<&str> = report.of_kind(FindingKind::Unindexed).map(|one| one.rule.as_str()).collect();
    assert_eq!(named, ["perhaps", "normalised", "everything"]);
    assert_eq!(report.counts["rules"], 6);
    assert_eq!(report.to_json()["rules"][0]["name"], "等值");
}

#[test]
fn columns_stand_under_one_another_in_any_script() {
    let text = report_on("rules:\n  - {name: 链路中断, match: 'a=\"1\"', by: site}\n  - {name: x, match: 'a=\"2\"'}\n")
        .to_string();
    let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("rule ")).take(3).collect();
    assert_eq!(
        table,
        [
            "rule      pattern  by    tiers    when",
            "链路中断  each     site  default  -",
            "x         each     -     default  -"
        ]
    );
}

#[test]
fn a_rule_that_contradicts_itself_is_named_with_its_place() {
    let kind = FindingKind::Contradiction;
    check(
        kind,
        "rules:\n  - {name: 机房, match: ['site=\"GZ01\"', 'site=~\"BJ.*\"']}\n  - {name: fine, match: ['site=\"GZ01\"', 'site!=\"BJ01\"']}\n",
        &["x.yaml:2:12: rule \"机房\" fits no event: site=\"GZ01\" and site=~\"BJ.*\" cannot both hold"],
    );
    check(
        kind,
        "rules:\n  - {name: r, match: ['@severity=\"major\"', '@severity!~\"major|minor\"', 'a!=\"\"']}\n",
        &["x.yaml:2:12: rule \"r\" fits no event: @severity=\"major\" and @severity!~\"major|minor\" cannot both hold"],
    );
    check(
        kind,
        "inhibitions:\n  - {name: i, source: 'site=\"A\"', target: 'site=\"B\"', equal: [site]}\n  - {name: ok, source: 'site=\"A\"', target: 'site=\"B\"'}\n",
        &[
            "x.yaml:2:12: inhibition \"i\" holds nothing back: source and target must be equal in what site=\"A\" and site=\"B\" keep apart",
        ],
    );
}

#[test]
fn what_the_inventory_does_not_hold_and_what_it_has_too_much_of_is_named() {
    let inventory = "inventory:\n  items: [{name: sw1, site: GZ}, {name: sw2, site: GZ}, {name: sw3, site: SZ}, {name: 核心, site: SZ}]\n";
    let rules = |rules: &str| format!("{inventory}rules:\n{rules}");
    check(
        FindingKind::NotInInventory,
        &rules(
            "  - {name: a, match: 'device=\"sw9\"'}\n  - {name: b, match: 'device=~\"sw[12]|x\", site=\"GZ\"'}\n  - {name: c, match: 'site=~\"BJ.*\"'}\n  - {name: d, match: 'instance=\"sw1:9100\"'}\n",
        ),
        &[
            "x.yaml:4:12: rule \"a\": device=\"sw9\" names nothing in the inventory",
            "x.yaml:6:12: rule \"c\": site=~\"BJ.*\" names nothing in the inventory",
        ],
    );
    check(
        FindingKind::NotInInventory,
        "extract: [{name: p, from: summary, regex: '(?P<port>x)'}]\ninventory:\n  items: [{name: sw1, site: GZ}]\n  naming: [{label: device, pattern: '(?P<part>.*)'}]\nrules:\n  - {name: a, match: ['fact.site=\"SZ\"', 'fact.port=\"9\"', 'fact.part=\"9\"', 'fact.template=\"t-1\"', 'fact.naming=\"bad\"']}\n  - {name: b, match: 'fact.prot=\"9\"'}\n",
        &[
            "x.yaml:6:12: rule \"a\": fact.site=\"SZ\" names nothing in the inventory",
            "x.yaml:7:12: rule \"b\": fact.prot=\"9\" names nothing in the inventory",
        ],
    );
    let threshold = "pattern: {threshold: {count: 2, within: 5m}}";
    check(
        FindingKind::Bound,
        &rules(&format!(
            "  - {{name: a, by: device, {threshold}}}\n  - {{name: b, by: site, {threshold}}}\n  - {{name: c, match: 'device=~\"sw.\"', by: device, {threshold}}}\n"
        )),
        &[
            "x.yaml:4:12: rule \"a\": by device, of which the inventory has 4; a rule keeps 3 windows, the oldest go first",
        ],
    );
}

#[test]
fn why_a_rule_is_tried_for_every_event_is_said() {
    check(
        FindingKind::Unindexed,
        "rules:\n  - {name: a, match: 'host=~\"(db.*)?\"', continue: true}\n  - {name: b, match: 'x!=\"\"', continue: true}\n  - {name: c, match: '@severity=\"major\"'}\n",
        &[
            "x.yaml:2:12: rule \"a\" is tried for every event: its expression on host fits a missing label too",
            "x.yaml:3:12: rule \"b\" is tried for every event: its matchers say only what must not be",
            "x.yaml:4:12: rule \"c\" is tried for every event: it asks only for @severity=\"major\"",
        ],
    );
}

#[test]
fn calendars_that_are_never_open_or_lack_the_next_year_are_told() {
    let rules = r#"
calendars:
  - {name: 没有人, zone: Asia/Shanghai}
  - {name: desk, zone: Asia/Shanghai, weekly: {mon: "08:00-12:00"}, holidays: china}
  - {name: known, zone: Asia/Shanghai, weekly: {mon: "08:00-12:00"}, holidays: [china, 2027-01-01]}
"#;
    check(FindingKind::NeverOpen, rules, &[r#"x.yaml:3:12: nobody ever works in calendar "没有人""#]);
    let missing = "x.yaml:4:12: calendar \"desk\" does not know the statutory holidays of 2027: take a newer watchfire, or \
                   write them into its holidays and make_up";
    check(FindingKind::YearMissing, rules, &[missing]);
}
