//! Broken files and their diagnostics; good files and their meaning.

use super::{Loaded, load};
use crate::core::calendar::Schedule;
use crate::core::model::{Labels, Matchers, Priority, Severity, Tier, TimeDelta};
use crate::core::rules::{
    ActionAt, Capture, Channel, Check, Comparison, ContextAction, ContextChange, CountWithin, Counts, Emit, EmitKind,
    Flap, GroupClass, GroupPattern, Limit, Pattern, Rate, Rule, RuleText, Rulebook, Semantics,
};

fn file(path: &str, text: &str) -> RuleText {
    RuleText { path: path.to_owned(), text: text.to_owned() }
}

fn loaded(text: &str) -> Loaded {
    load(vec![file("x.yaml", text)]).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"))
}

fn rule(fields: &str) -> Rule {
    let text = format!("rules:\n  - name: r\n    {}\n", fields.replace('\n', "\n    "));
    loaded(&text).rulebook.rules.remove(0)
}

/// The diagnostics of one file, a line each. A line that ends in … matches by its beginning.
fn check(text: &str, expected: &[&str]) {
    let mistakes = load(vec![file("x.yaml", text)]).expect_err(text);
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let fits = |(shown, expected): (&String, &&str)| match expected.strip_suffix('…') {
        Some(beginning) => shown.starts_with(beginning),
        None => shown == expected,
    };
    let all_fit = shown.len() == expected.len() && shown.iter().zip(expected).all(fits);
    assert!(all_fit, "in\n{text}\n{shown:#?}\nis not\n{expected:#?}");
}

/// The diagnostics of one rule called `r`, whose fields begin in line 3, column 5.
fn check_rule(fields: &str, expected: &[&str]) {
    check(&format!("rules:\n  - name: r\n    {}\n", fields.replace('\n', "\n    ")), expected);
}

#[test]
fn what_is_no_yaml_is_located() {
    check("rules: [\n", &["x.yaml:1:8: unclosed bracket '['"]);
    check("rules:\n\t- name: a\n", &["x.yaml:2:2: tabs disallowed within this context (block indentation)"]);
    check("rules:\n- name: a\n   match: b\n", &["x.yaml:3:9: mapping values are not allowed in this context"]);
    check(
        "---\nrules: []\n---\nrules: []\n",
        &["x.yaml:4:1: a second document in one file; expected one document; remove the ---"],
    );
    check("rules:\n- name: ~\n", &["x.yaml:2:9: no value; expected a text"]);
    check("just text\n", &["x.yaml:1:1: wrong kind of value; expected keys and their values"]);
    check(
        "rules: {}\n",
        &["x.yaml:1:8: wrong kind of value; expected a list, each entry on a line that begins with -"],
    );
    check("rules:\n- name: [a]\n", &["x.yaml:2:9: wrong kind of value; expected a text"]);
}

#[test]
fn unknown_and_doubled_keys_are_mistakes() {
    check("rulez: []\n", &["x.yaml:1:1: unknown field `rulez`; expected one of sources, …"]);
    check("rosterz: []\n", &["x.yaml:1:1: unknown field `rosterz`; expected one of sources, …"]);
    check("rules:\n- name: a\n  name: b\n", &["x.yaml:3:3: the key \"name\" stands twice; expected each key once"]);
    check("rules: []\nrules: []\n", &["x.yaml:2:1: the key \"rules\" stands twice; expected each key once"]);
    check("rules:\n- match: a=b\n", &["x.yaml:2:3: missing field `name`"]);
    check(
        "rules:\n- name: 告警\n  tittle: x\n",
        &[
            "x.yaml:3:3: unknown field `tittle`; expected one of name, match, unless, when, by, pattern, on, continue, justification, \
         title, severity, priority, tiers, after_hours, mute_time_intervals, active_time_intervals, paging, notify_new_alerts, runbook, playbook, notify_delay, resolve_after, close_after, reopen_within, clear_after, \
         pass_on_after, semantics, context, contexts, emit, incident, group, class, out_of_catalogue, impact, urgency, hours, out_of_hours_urgency, outage",
        ],
    );
    check_rule(
        "pattern: {threshold: {count: 3, window: 5m}}",
        &["x.yaml:3:37: unknown field `window`; expected one of count, within, clear, distinct"],
    );
    check_rule(
        "pattern: sometimes",
        &[
            "x.yaml:3:14: unknown variant `sometimes`; expected one of each, suppress, threshold, rate, hysteresis, pair, missing_followup, absence, sequence, group, flap, calendar",
        ],
    );
    check_rule("continue: maybe", &["x.yaml:3:15: not a yes or no; expected true or false"]);
    check_rule(
        "pattern: {threshold: {count: -1, within: 5m}}",
        &["x.yaml:3:34: not a whole number; expected a number that is not negative"],
    );
}

#[test]
fn bombs_and_towers_are_refused() {
    let bomb: String = (0..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let aliases = vec![format!("*a{n}"); 9].join(", ");
        format!("{text}a{}: &a{} [{aliases}]\n", n + 1, n + 1)
    });
    let anchors = format!("sources:\n  - name: a\n    samples:\n      - firing:\n{}", bomb.replace("a", "          a"));
    for text in [
        bomb,
        anchors,
        "[".repeat(100_000),
        format!("rules: {}", "{a: ".repeat(10_000)),
        (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>(),
        format!("rules:\n- name: {}\n", "x".repeat(17 << 20)),
        "- ".repeat(50_000),
    ] {
        let mistakes = load(vec![file("x.yaml", &text)]).expect_err("too much");
        assert_eq!(mistakes.len(), 1, "{:?}", mistakes.iter().map(|m| &m.message).collect::<Vec<_>>());
    }
}

#[test]
fn bad_values_are_located_and_all_are_reported_at_once() {
    check_rule(
        "match: site=\nwhen: labels.site ==\nby: [site, '@severity', site]\npattern: {threshold: {count: 2000, within: 8d}}\n\
         severity: urgent\npriority: P9\ntiers: night\nnotify_delay: 5\nresolve_after: soon\nclose_after: 0s\nreopen_within: 30d",
        &[
            "x.yaml:4:25: not a CEL expression: mismatched input '<EOF>'",
            "x.yaml:5:16: \"@severity\" is not a label; expected the name of a label",
            "x.yaml:5:29: the label \"site\" stands twice; expected each label once",
            "x.yaml:6:34: 2000 is out of bounds; expected 1 to 1000",
            "x.yaml:6:48: 8d is out of bounds; expected 1s to 7d",
            "x.yaml:7:15: \"urgent\" is not a severity; expected critical, major, minor, warning, indeterminate, cleared",
            "x.yaml:8:15: \"P9\" is not a priority; expected P1, P2, P3, P4",
            "x.yaml:9:12: unknown ladder \"night\"; expected one of default",
            "x.yaml:10:19: \"5\" is not a length of time; expected a number with a unit, for example 30s, 5m, 1h30m or 7d",
            "x.yaml:11:20: \"soon\" is not a length of time; expected a number with a unit, for example 30s, 5m, 1h30m or 7d",
            "x.yaml:12:18: 0s is out of bounds; expected 1s to 90d",
            "x.yaml:13:20: 30d is out of bounds; expected 0s to 7d",
        ],
    );
    check(
        "rules:\n  - name: ' a'\n  - name: catch-all\n    match: a=b\n  - {name: a, match: c=d}\n  - {name: a, match: c=d}\n",
        &[
            "x.yaml:2:11: \" a\" is not a name; expected 1 to 128 bytes without line breaks or spaces at the ends",
            "x.yaml:3:11: \"catch-all\" is the built-in rule's name; expected another name",
            "x.yaml:6:12: a second rule named \"a\"; the first stands in x.yaml:5; expected another name",
        ],
    );
}

#[test]
fn places_inside_a_value_are_places_in_the_file() {
    let expected = r#"; expected matchers such as alertname="LinkDown", site=~"GZ.*""#;
    let check_match = |text: &str, place: &str, reason: &str| {
        check_rule(text, &[&format!("x.yaml:{place}: {reason}{expected}")]);
    };
    check_match("match: 'site=\"GZ\", 机房'", "3:26", "bad matcher format: 机房");
    check_match(r#"match: "site=\"GZ\", 机房""#, "3:28", "bad matcher format: 机房");
    check_match("match:\n  - a=b\n  - 'it''s'", "5:12", "bad matcher format: it's");
    check_match("match: site=~\"G(\"", "3:18", r#"bad regular expression "G(": unclosed group"#);
    check_rule(
        "when: \"labels['机房'] == lables.x\"",
        &[
            "x.yaml:3:28: unknown name \"lables\"; known are labels, annotations, severity, status, source, summary, value, facts",
        ],
    );
    check_rule(
        "when: |\n  labels.site == 'GZ' &&\n  vlaue > 3",
        &[
            "x.yaml:5:7: unknown name \"vlaue\"; known are labels, annotations, severity, status, source, summary, value, facts",
        ],
    );
    let braces = "a brace without its other; expected {label}, {summary} or {count}";
    for (title, column) in [("断 {}", 14), ("a} {b}", 13), ("{a} {b{c}", 16), ("{", 12)] {
        check_rule(&format!("title: {title:?}"), &[&format!("x.yaml:3:{}: {braces}", column + 1)]);
    }
    check_rule(
        "title: 'link {device} at {site'",
        &["x.yaml:3:30: a brace without its other; expected {label}, {summary} or {count}"],
    );
}

#[test]
fn the_line_of_the_file_is_shown_with_a_pointer_in_any_script() {
    let mistakes = load(vec![file("网络.yaml", "rules:\n  - {name: 链路, tiers: 夜班}\n")]).unwrap_err();
    let shown = format!("{:#}", mistakes[0]);
    let expected = "网络.yaml:2:23: unknown ladder \"夜班\"; expected one of default\n     2 |   - {name: 链路, tiers: 夜班}\n       |                         ^";
    assert_eq!(shown, expected);
    let long = format!("rules:\n  - {{name: {}, tiers: x}}\n", "a".repeat(120));
    let shown = format!("{:#}", load(vec![file("x.yaml", &long)]).unwrap_err()[0]);
    assert!(shown.lines().all(|line| line.chars().count() < 140), "{shown}");
}

#[test]
fn words_of_rules_are_a_closed_set() {
    check_rule(
        "match: '@sevrity=\"major\"'",
        &["x.yaml:3:12: unknown name \"@sevrity\"; expected a label, @severity, @source or @status"],
    );
    check_rule(
        "match: '@severity=\"warn\"'",
        &[
            "x.yaml:3:12: @severity=\"warn\" names no severity; expected critical, major, minor, warning, indeterminate or \
         cleared",
        ],
    );
    check_rule(
        "match: '@status!~\"fire|clear\"'",
        &["x.yaml:3:12: @status!~\"fire|clear\" names no status; expected firing, resolved or point"],
    );
    check_rule(
        "match: a=b\non: events\npattern: {pair: {until: c=d}}",
        &["x.yaml:4:9: \"events\" is not something to count; expected transitions or message"],
    );
    check(
        "problems:\n  - {name: p, match: '@severity=\"major\"', count: 3, within: 30d, team: second-line}\n",
        &["x.yaml:2:22: @severity is not known here; expected labels only"],
    );
}

#[test]
fn keys_that_would_do_nothing_are_mistakes() {
    check_rule(
        "match: a=b\non: message\njustification: noise\npass_on_after: 5m",
        &[
            "x.yaml:4:9: pattern each counts nothing; expected no on:",
            "x.yaml:5:20: pattern each holds nothing back; expected justification: and pass_on_after: with patterns that count or wait",
            "x.yaml:6:20: pattern each holds nothing back; expected justification: and pass_on_after: with patterns that count or wait",
        ],
    );
    check_rule(
        "match: a=b\npattern: {absence: {within: 5m}}\non: message\nclear_after: 5m",
        &[
            "x.yaml:5:9: absence looks at every message; expected no on:",
            "x.yaml:6:18: pattern absence has its own end; expected clear_after: with each, sequence, group, calendar or flap by results",
        ],
    );
    check_rule(
        "match: a=b\npattern: {threshold: {count: 3, within: 5m}}\njustification: noise\npass_on_after: 5m",
        &["x.yaml:6:20: justification: keeps alerts for good, so pass_on_after: says nothing; expected one of the two"],
    );
    check_rule(
        "match: a=b\npattern: {threshold: {count: 3, within: 5m, clear: 4}}",
        &["x.yaml:4:56: 4 is out of bounds; expected 1 to 3"],
    );
    check_rule(
        "match: a=b\npattern: {pair: {until: ''}}",
        &["x.yaml:4:29: until fits everything; expected matchers of the event that ends it"],
    );
}

#[test]
fn a_rule_for_points_alone_says_when_it_is_quiet_again() {
    check_rule(
        "match: 'alertname=\"Trap\", @status=\"point\"'",
        &[
            "x.yaml:2:11: points have no end, so this rule's incidents would have none; expected clear_after:, for example 10m",
        ],
    );
    check_rule(
        "match: '@status!=\"firing\"'",
        &[
            "x.yaml:2:11: points have no end, so this rule's incidents would have none; expected clear_after:, for example 10m",
        ],
    );
    check_rule(
        "match: '@status=\"resolved\"'",
        &["x.yaml:2:11: pattern each sees no resolved events, and this rule no others; expected another @status"],
    );
    assert_eq!(rule("match: '@status=\"point\"'\nclear_after: 10m").quiet, Some(TimeDelta::from_minutes(10)));
    assert_eq!(rule("match: '@status=\"point\"'\npattern: {threshold: {count: 5, within: 10m}}").quiet, None);
}

#[test]
fn a_heartbeat_that_is_an_alert_is_warned_of_unless_it_is_kept() {
    let warnings = |fields: &str| {
        let text = format!("rules:\n  - name: r\n    match: alertname=Watchdog\n    {fields}\n");
        loaded(&text).warnings.len()
    };
    assert_eq!(warnings("pattern: {absence: {within: 5m}}"), 1);
    assert_eq!(warnings("pattern: {absence: {within: 5m}}\n    justification: it always fires"), 0);
    assert_eq!(warnings("pattern: {absence: {within: 5m}}\n    continue: true"), 0);
}

#[test]
fn mistakes_of_every_section_and_every_file_come_together() {
    let bad_tiers = "
tiers:
  - name: night
    steps:
      - {tier: 2, team: nobody, respond_by: 15m}
      - {tier: 1, team: first-line, respond_by: 1h, resolve_by: 30m}
      - {tier: 4, team: first-line, respond_by: 1h}
  - {name: empty, steps: []}
teams:
  - name: net
    notify: [{webhook: {url: ftp://x}}, {mqtt: {topic: a/#}}, {mail: {to: x}}]
";
    let bad_plans = "
inspections:
  - name: daily
    schedule: '0 0 30 2 *'
    zone: UTC
    due_within: 4h
    missed_after: 2h
    items: [{name: a, manual: {}, tcp: {address: x}}, {name: a}]
  - {name: other, schedule: '0 8 * * *', zone: Asia/Guangzhou, due_within: 1h, missed_after: 2h, items: []}
inhibitions:
  - {source: 'a=b', target: '', equal: [site]}
problems:
  - {name: p, count: 1, within: 500d, team: experts}
";
    let mistakes = load(vec![file("b.yaml", bad_plans), file("a.yaml", bad_tiers), file("c.yaml", "rules: 3\n")]);
    let shown: Vec<String> = mistakes.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "a.yaml:11:64: unknown variant `mail`; expected one of webhook, mqtt, email, wecom, dingtalk, feishu, slack, template",
            "b.yaml:4:15: \"0 0 30 2 *\" is never due: no month in it has such a day",
            "b.yaml:7:19: missed after 2h, but due within 4h; expected missed_after at least as long as due_within",
            "b.yaml:8:20: an item with 2 checks; expected exactly one of manual, http, tcp, tls, promql, mqtt",
            "b.yaml:8:62: the item \"a\" stands twice in \"daily\"; expected another name",
            "b.yaml:8:62: an item with 0 checks; expected exactly one of manual, http, tcp, tls, promql, mqtt",
            "b.yaml:9:12: a plan without items; expected items, or a checklist",
            "b.yaml:9:48: unknown time zone \"Asia/Guangzhou\"; expected an IANA name, for example Asia/Shanghai",
            "b.yaml:11:29: this side fits everything; expected at least one matcher",
            "b.yaml:13:22: 1 is out of bounds; expected 2 to 64",
            "b.yaml:13:33: 500d is out of bounds; expected 1m to 400d",
            "b.yaml:13:45: unknown team \"experts\"; expected one of first-line, second-line, third-line",
            "c.yaml:1:8: wrong kind of value; expected a list, each entry on a line that begins with -",
        ]
    );
    check(
        &bad_tiers.replace(", {mail: {to: x}}", ""),
        &[
            "x.yaml:5:25: unknown team \"nobody\"; expected one of first-line, net, second-line, third-line",
            "x.yaml:6:16: tier 1 after a higher one; expected steps that go up",
            "x.yaml:6:65: resolve_by 30m is over before the response is due; expected at least respond_by, 1h: both count \
         from when the step is entered",
            "x.yaml:7:16: 4 is not a tier; expected 1, 2 or 3",
            "x.yaml:8:12: a ladder of 0 steps; expected 1 to 16 steps",
            "x.yaml:11:30: \"ftp://x\" is not a URL; expected http://host/… or https://host/…",
            "x.yaml:11:56: one publishes to one topic; expected a topic without + and #",
        ],
    );
}

#[test]
fn checks_of_items_are_read_and_checked() {
    let text = "
inspections:
  - name: 机房巡检
    title: 每日机房巡检
    schedule: 30 8 * * 1-5
    zone: Asia/Shanghai
    due_within: 2h
    missed_after: 1d
    sign_off: true
    items:
      - {name: 外观, title: 设备外观, manual: {evidence: true}}
      - {name: web, severity: critical, labels: {site: GZ01}, http: {url: 'http://127.0.0.1:7247/-/healthy', status: 200, contains: OK}}
      - {name: port, tcp: {address: '127.0.0.1:7247', timeout: 3s}}
      - {name: cert, tls: {address: 'portal:443', warn_below: 14d}}
      - {name: cpu, promql: {server: 'http://127.0.0.1:9090', query: 'max(node_load1)', warn: '>= 4', fail: '> 8.5'}}
      - {name: beat, mqtt: {topic: sites/+/heartbeat, within: 5m}}
";
    let mut rulebook = loaded(text).rulebook;
    let plan = rulebook.plans.remove("机房巡检").unwrap();
    assert_eq!((plan.team.as_str(), plan.sign_off), ("first-line", true));
    assert_eq!(plan.schedule.to_string(), "30 8 * * 1-5 (Asia/Shanghai)");
    let second = TimeDelta::from_seconds;
    let checks: Vec<Check> = plan.items.iter().map(|item| item.check.clone()).collect();
    assert_eq!(
        checks,
        [
            Check::Manual { evidence: true },
            Check::Http {
                url: "http://127.0.0.1:7247/-/healthy".to_owned(),
                status: Some(200),
                contains: Some("OK".to_owned()),
                json: None,
                timeout: second(10),
            },
            Check::Tcp { address: "127.0.0.1:7247".to_owned(), timeout: second(3) },
            Check::Tls {
                address: "portal:443".to_owned(),
                warn_below: TimeDelta::from_days(14),
                fail_below: TimeDelta::from_days(7),
                timeout: second(10),
            },
            Check::Promql {
                server: "http://127.0.0.1:9090".to_owned(),
                query: "max(node_load1)".to_owned(),
                warn: Some(Limit { comparison: Comparison::AtLeast, value: 4.0 }),
                fail: Some(Limit { comparison: Comparison::Above, value: 8.5 }),
                timeout: second(10),
            },
            Check::Mqtt { topic: "sites/+/heartbeat".to_owned(), within: TimeDelta::from_minutes(5) },
        ]
    );
    assert_eq!(plan.items[1].severity, Severity::Critical);
    assert_eq!(plan.items[1].labels.get("site"), Some("GZ01"));
    let broken = |item: &str, expected: &str| {
        let text = format!(
            "inspections:\n  - name: p\n    schedule: '* * * * *'\n    zone: UTC\n    due_within: 1m\n    missed_after: 1m\n    items:\n      - {item}\n"
        );
        check(&text, &[expected]);
    };
    broken("{name: a, tcp: {address: host}}", "x.yaml:8:34: \"host\" is not an address; expected host:port");
    broken("{name: a, http: {url: 'http://h/', status: 99}}", "x.yaml:8:52: 99 is out of bounds; expected 100 to 599");
    broken(
        "{name: a, promql: {server: 'http://h', query: up, fail: above 3}}",
        "x.yaml:8:65: \"above 3\" is not a limit; expected for example \"> 0.9\", \">= 3\" or \"< 1\"",
    );
    broken(
        "{name: a, labels: {item: x}, manual: {}}",
        "x.yaml:8:34: the label \"item\" says which item failed; expected another label",
    );
    broken(
        "{name: a, tls: {address: 'h:443', warn_below: 1d}}",
        "x.yaml:8:55: warns below 1d, but fails below 7d already; expected warn_below at least as long as fail_below",
    );
}

#[test]
fn defaults_are_those_of_the_reference() {
    let plain = rule("match: alertname=LinkDown\nby: [site, device]");
    assert_eq!(plain.pattern, Pattern::Each);
    assert_eq!(plain.title, "");
    assert_eq!((plain.ladder.as_str(), plain.pages, plain.continues), ("default", true, false));
    assert_eq!((plain.settle, plain.resolve_after), (TimeDelta::from_seconds(30), TimeDelta::from_minutes(5)));
    assert_eq!((plain.reopen_within, plain.close_after), (TimeDelta::from_hours(1), None));
    assert_eq!((plain.quiet, plain.because.as_deref(), plain.counts), (None, None, Counts::Transitions));
    let urgent = rule("match: a=b\npriority: P1");
    assert_eq!((urgent.priority, urgent.settle), (Some(Priority::P1), TimeDelta::ZERO));
    let short = rule("match: a=b\npattern: {threshold: {count: 3, within: 5m}}\non: message");
    assert_eq!(
        short.pattern,
        Pattern::Threshold { count: 3, within: TimeDelta::from_minutes(5), clear: 1, distinct: None }
    );
    assert_eq!((short.otherwise_after, short.counts), (TimeDelta::from_minutes(5), Counts::Messages));
    let long = rule("match: a=b\npattern:\n  absence:\n    within: 1d");
    assert_eq!(long.otherwise_after, TimeDelta::from_minutes(15));
    let pair =
        rule("match: alertname=PowerCut\npattern: {pair: {until: [alertname=PowerBack, 'site!=\"\"'], within: 1h}}");
    let until = Matchers::parse("alertname=PowerBack,site!=\"\"").unwrap();
    assert_eq!(pair.pattern, Pattern::Pair { until, within: Some(TimeDelta::from_hours(1)) });
}

#[test]
fn a_rulebook_without_files_has_a_ladder_of_three_staffed_lines() {
    let rulebook = load(Vec::new()).unwrap().rulebook;
    let ladder = rulebook.ladder("default").unwrap();
    let tiers: Vec<Tier> = ladder.steps.iter().map(|step| step.tier).collect();
    assert_eq!(tiers, Tier::ALL);
    assert!(ladder.steps.iter().all(|step| !rulebook.teams[&step.team].is_empty()));
    assert!(rulebook.rules.is_empty());
    let own = loaded(
        "teams:\n  - name: first-line\n    title: 一线\n    members: [duty]\n    notify: [{mqtt: {topic: 'noc/{id}'}}]\n",
    );
    let team = &own.rulebook.teams["first-line"];
    assert_eq!(team.title, "一线");
    assert_eq!(team.channels, [Channel::Mqtt { topic: "noc/{id}".to_owned() }]);
    assert_eq!(own.rulebook.teams.len(), 3);
}

#[test]
fn an_empty_team_on_a_ladder_is_warned_of() {
    let text = "tiers:\n  - name: n\n    steps: [{tier: 1, team: ghosts, respond_by: 5m}]\nteams:\n  - name: ghosts\n";
    let warnings = loaded(text).warnings;
    assert_eq!(
        warnings[0].to_string(),
        "x.yaml:3:29: nobody is in team \"ghosts\" and nothing reaches it: its steps are skipped"
    );
}

#[test]
fn rules_count_in_the_order_of_the_paths_and_the_hash_in_none() {
    let one = file("10.yaml", "rules: [{name: first, match: a=b}]\n");
    let two = file("20.yaml", "rules: [{name: second, match: a=b}]\n");
    let forth = load(vec![one.clone(), two.clone()]).unwrap().rulebook;
    let back = load(vec![two.clone(), one.clone()]).unwrap().rulebook;
    let names: Vec<&str> = back.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(forth.hash, back.hash);
    assert_ne!(forth.hash, load(vec![one.clone()]).unwrap().rulebook.hash);
    let moved = RuleText { path: "11.yaml".to_owned(), ..one.clone() };
    assert_ne!(forth.hash, load(vec![moved, two]).unwrap().rulebook.hash);
    let twice = load(vec![one.clone(), one]).unwrap_err();
    assert_eq!(twice[0].to_string(), "10.yaml:1:1: a second file of that path; expected each file once");
}

#[test]
fn the_shape_changes_with_what_a_window_means_and_with_nothing_else() {
    let base = "match: 'a=\"b\", c=\"d\"'\nby: [x, y]\npattern: {threshold: {count: 3, within: 5m}}";
    let shape = rule(base).shape;
    let same = |fields: &str| assert_eq!(rule(fields).shape, shape, "{fields}");
    let other = |fields: &str| assert_ne!(rule(fields).shape, shape, "{fields}");
    same(&format!("{base}\ntitle: other\nseverity: minor\nnotify_delay: 1m\npass_on_after: 1m\ncontinue: true"));
    same(&base.replace("a=\"b\", c=\"d\"", "c=\"d\",a=b"));
    same(&base.replace("[x, y]", "[y, x]"));
    same(&base.replace("5m", "300s"));
    other(&base.replace("a=\"b\"", "a=\"c\""));
    other(&base.replace("[x, y]", "[x]"));
    other(&base.replace("count: 3", "count: 4"));
    other(&base.replace("5m", "6m"));
    other(&format!("{base}\non: message"));
    other(&format!("{base}\nwhen: value > 3.0"));
}

#[test]
fn one_rule_too_many_is_refused_and_none_before_it() {
    let rules: Vec<String> = (0..20_001).map(|n| format!("- {{name: r{n}, match: 'alertname=\"A{n}\"'}}\n")).collect();
    check(&format!("rules:\n{}", rules.concat()), &["x.yaml:20002:10: one rule too many; expected at most 20000"]);
}

#[test]
fn a_source_says_its_mistakes_through_the_same_report() {
    check(
        "sources:\n  - name: ACME\n    labels: {alertname: itme.name}\n",
        &[
            "x.yaml:2:11: \"ACME\" is not a source's name; expected 1 to 64 of a-z, 0-9, -, _ and .: it is part of a URL",
            "x.yaml:3:25: unknown name \"itme\"; known are item, parts, payload, topic, headers, query",
        ],
    );
}

#[test]
fn every_pattern_is_read_as_it_is_written() {
    let minutes = TimeDelta::from_minutes;
    let read = |pattern: &str, more: &str| rule(&format!("match: alertname=A\npattern: {pattern}\n{more}")).pattern;
    assert_eq!(read("{suppress: {within: 10m}}", ""), Pattern::Suppress { within: minutes(10) });
    let distinct = Pattern::Threshold { count: 5, within: minutes(10), clear: 1, distinct: Some("设备".to_owned()) };
    assert_eq!(read("{threshold: {count: 5, within: 10m, distinct: 设备}}", ""), distinct);
    // 0.29 a second over 100 s are 29 exactly, and more than that are 30.
    let rate = Rate { above: 0.29, per: TimeDelta::from_seconds(1), within: TimeDelta::from_seconds(100), count: 30 };
    assert_eq!(read("{rate: {above: 0.29, per: 1s, within: 100s}}", ""), Pattern::Rate(rate));
    let counted = |count, within| CountWithin { count, within: minutes(within) };
    let both = Pattern::Thresholds { rise: counted(5, 1), fall: counted(0, 5) };
    assert_eq!(read("{hysteresis: {rise: {count: 5, within: 1m}, fall: {count: 0, within: 5m}}}", ""), both);
    let until = Matchers::parse("alertname=B").unwrap();
    let window = Pattern::PairWindow { until: until.clone(), within: minutes(5) };
    assert_eq!(read("{missing_followup: {until: alertname=B, within: 5m}}", ""), window);
    let steps = "{sequence: {steps: ['alertname=B, device=\"{1.device}\"', [alertname=C, 'x=\"{2.y}\"']], within: 1m}}";
    let Pattern::Sequence(sequence) = read(steps, "") else { panic!("no sequence") };
    let capture = |label: &str, step, of: &str| Capture { label: label.to_owned(), step, of: of.to_owned() };
    let shown: Vec<_> = sequence.steps.iter().map(|step| (step.matchers.to_string(), step.captures.clone())).collect();
    assert_eq!(
        shown,
        [
            ("alertname=\"A\"".to_owned(), vec![]),
            ("alertname=\"B\"".to_owned(), vec![capture("device", 0, "device")]),
            ("alertname=\"C\"".to_owned(), vec![capture("x", 1, "y")]),
        ]
    );
    assert_eq!(sequence.captured, ["device", "x", "y"]);
    let class = |text: &str, count| GroupClass { matchers: Matchers::parse(text).unwrap(), count };
    let group = GroupPattern { classes: vec![class("x=1", 2), class("x=2", 1)], within: minutes(10), repeat: true };
    let text = "{group: {all: [{match: x=1, count: 2}, {match: x=2}], within: 10m, repeat: true}}";
    assert_eq!(read(text, ""), Pattern::Group(group));
    let timed = Pattern::Flap(Flap::Timed { start: counted(5, 10), stop: counted(1, 15) });
    assert_eq!(read("{flap: {}}", ""), timed);
    assert_eq!(read("{flap: {mode: time, start: 5, within: 10m, stop: 1, stop_within: 15m}}", ""), timed);
    assert_eq!(read("{flap: {mode: nagios}}", "clear_after: 1h"), Pattern::Flap(Flap::Nagios));
    assert_eq!(read("{flap: {mode: icinga}}", ""), Pattern::Flap(Flap::Icinga));
    let calendar = rule("pattern: {calendar: {schedule: 0 8 * * 1-5, zone: Asia/Shanghai}}\nincident: false");
    let schedule = Schedule::parse("0 8 * * 1-5", "Asia/Shanghai").unwrap();
    assert_eq!((calendar.pattern, calendar.opens_incident), (Pattern::Calendar { schedule }, false));
}

#[test]
fn contexts_and_derived_events_are_read_as_they_are_written() {
    let rule = rule(
        "match: [alertname=A, '@status=point']
semantics: sec
incident: false
clear_after: 1m
context: '!维护_{site} && (A||B)'
contexts:
  - {set: 'X_{site}', for: 1h, on_expiry: {event: {labels: {alertname: Gone, site: '{site}'}, severity: major, summary: '{site} 失联'}}}
  - {unset: Y, when: clear}
emit: {labels: {alertname: Derived}, status: point}",
    );
    assert_eq!(rule.semantics, Semantics::Sec);
    assert_eq!(rule.guard.unwrap().to_string(), "!维护_{site} && (A || B)");
    let gone = Emit {
        labels: Labels::from_pairs([("alertname", "Gone"), ("site", "{site}")]),
        severity: Some(Severity::Major),
        summary: "{site} 失联".to_owned(),
        kind: EmitKind::Point,
    };
    let lifetime = Some(TimeDelta::from_hours(1));
    let set = ContextChange::Set { lifetime, on_expiry: Some(Box::new(gone)) };
    let change = |at, name: &str, change| ContextAction { at, name: name.to_owned(), change };
    assert_eq!(
        rule.actions.contexts,
        [change(ActionAt::Fire, "X_{site}", set), change(ActionAt::Clear, "Y", ContextChange::Unset)]
    );
    let emit = rule.actions.emit.unwrap();
    assert_eq!((emit.labels.to_string().as_str(), emit.kind), ("{alertname=\"Derived\"}", EmitKind::Point));
}

#[test]
fn what_is_wrong_with_a_pattern_is_said_where_it_stands() {
    let wrong = |fields: &str, expected: &[&str]| {
        let fields: String = fields.lines().map(|line| format!("    {line}\n")).collect();
        check(&format!("rules:\n  - name: r\n{fields}"), expected);
    };
    let pattern =
        |pattern: &str, expected: &str| wrong(&format!("match: alertname=A\npattern: {pattern}"), &[expected]);
    pattern(
        "{rate: {above: 1e8, per: 1s, within: 1d}}",
        "x.yaml:4:29: more than 8640000000001 matches within 1d would have to be counted; expected at most 10000000: a shorter within or a lower rate",
    );
    pattern(
        "{sequence: {steps: ['alertname=B, x=\"{2.y}\"'], within: 1m}}",
        "x.yaml:4:34: x=\"{2.y}\" names step 2, which is not before this one; expected a step from 1 (the rule's own match) to 1",
    );
    pattern(
        "{sequence: {steps: ['alertname=B, x!=\"{1.y}\"'], within: 1m}}",
        "x.yaml:4:34: x!=\"{1.y}\": a capture is compared by = only; expected label=\"{1.label}\"",
    );
    pattern("{group: {all: [], within: 1m}}", "x.yaml:4:28: a group of 0 classes; expected 1 to 16 classes");
    pattern(
        "{group: {all: [{match: x=1, count: 600}, {match: x=2, count: 600}], within: 1m}}",
        "x.yaml:4:28: 1200 events are asked for; expected at most 1000 in all classes together",
    );
    pattern(
        "{flap: {mode: zabbix}}",
        "x.yaml:4:28: \"zabbix\" is not a way to see flapping; expected time, nagios or icinga",
    );
    pattern(
        "{flap: {mode: nagios, start: 5}}",
        "x.yaml:4:43: this mode has its own numbers; expected start, within, stop and stop_within with mode time",
    );
    pattern(
        "{flap: {within: 1h, stop_within: 1m}}",
        "x.yaml:4:47: stop_within 1m is shorter than within; expected at least 1h",
    );
    wrong(
        "pattern: {calendar: {schedule: 0 8 * *, zone: UTC}}\nclear_after: 1m",
        &[
            "x.yaml:3:36: expected 5 fields (minute hour day-of-month month day-of-week), or 6 with seconds first; found 4",
        ],
    );
    wrong(
        "match: a=b\nby: x\npattern: {calendar: {schedule: 0 8 * * *, zone: UTC}}\nclear_after: 1m",
        &[
            "x.yaml:3:12: pattern calendar sees no events; expected no match, when and by",
            "x.yaml:4:9: pattern calendar sees no events; expected no match, when and by",
        ],
    );
    wrong(
        "match: a=b\ncontext: A &&\nincident: false\ncontexts: [{set: A, unset: B}, {set: 'a b'}, {unset: A, for: 1h}, {set: 'A{x'}]",
        &[
            "x.yaml:4:18: the name of a context is missing; expected names of contexts with !, &&, || and brackets, such as '!MAINT_{site}'",
            "x.yaml:5:15: a rule without incidents would hide the alerts that it matches; expected continue: true, justification:, or match @status=\"point\"",
            "x.yaml:6:22: set and unset in one change; expected one of the two",
            "x.yaml:6:42: \"a b\" is not the name of a context; expected 1 to 256 bytes without spaces, brackets, !, & and |",
            "x.yaml:6:66: unset ends the context at once; expected for: and on_expiry: with set only",
            "x.yaml:6:79: a brace without its other; expected {label}",
        ],
    );
    wrong(
        "match: a=b\nsemantics: sec\npattern: {absence: {within: 1m}}\nemit: {labels: {site: a}, status: up}",
        &[
            "x.yaml:4:16: SEC has no such pattern absence; expected each, suppress, threshold without clear and distinct, hysteresis, pair, missing_followup or group",
            "x.yaml:6:11: an event without a name; expected labels with an alertname",
            "x.yaml:6:39: \"up\" is not what an event can be; expected firing or point",
        ],
    );
}

#[test]
fn the_inventory_joins_all_files_and_knows_what_depends_on_what() {
    let one =
        file("10.yaml", "inventory:\n  items:\n    - {name: sw3, class: switch, site: 广州, depends_on: core1}\n");
    let two =
        file("20.yaml", "inventory:\n  items: [{name: core1, vendor: 华为, aliases: [10.0.0.1], facts: {rack: A3}}]\n");
    let inventory = load(vec![one, two]).unwrap().rulebook.inventory;
    let core = inventory.find("10.0.0.1").unwrap();
    assert_eq!(inventory.parents(inventory.find("sw3").unwrap()), [core]);
    assert_eq!(inventory.item(core).vendor.as_deref(), Some("华为"));
    check(
        "inventory:\n  items:\n    - {name: sw3, depends_on: [cor1]}\n    - {name: sw3}\n",
        &[
            "x.yaml:3:32: \"sw3\" depends on something that the inventory does not hold; expected the name of an item",
            "x.yaml:4:14: a second inventory item named \"sw3\"; the first stands in x.yaml:3; expected another name",
        ],
    );
}

#[test]
fn tests_that_cannot_mean_anything_are_mistakes() {
    let check_test =
        |fields: &str, expected: &[&str]| check(&format!("tests:\n  - name: 测试\n    {fields}\n"), expected);
    check_test(
        "input: [{at: 0s}]\n    expect: [{incidents: []}]",
        &["x.yaml:3:13: an input of no kind, or of several; expected exactly one of labels, payload, silence"],
    );
    check_test(
        "input: [{labels: {a: b}, repeat: 3}]\n    expect: [{incidents: []}]",
        &["x.yaml:3:13: repeated, but how far apart?; expected every:, for example every: 10s"],
    );
    check_test(
        "input: [{labels: {a: b}, status: broken}]\n    expect: []",
        &[
            "x.yaml:2:11: a test that expects nothing cannot fail; expected at least one entry in expect:",
            "x.yaml:3:38: \"broken\" is not a status; expected firing, resolved or point",
        ],
    );
    check_test(
        "input: []\n    expect: [{incidents: [{state: open}]}]",
        &[
            "x.yaml:4:35: \"open\" is not a state; expected one of new, assigned, in_progress, pending, resolved, closed, \
           merged, cancelled",
        ],
    );
    let loaded = loaded("tests:\n  - {name: t, input: [{labels: {a: b}}], expect: [{incidents: [{rule: 没有}]}]}\n");
    assert_eq!(loaded.warnings[0].to_string(), "x.yaml:2:1: the test \"t\" names an unknown rule \"没有\"");
}

#[test]
fn mistakes_in_calendars_are_told_where_they_stand() {
    check(
        "calendars:\n- {name: always, zone: Asia/Shanghai}\n- {name: 白班, zone: 北京}\n",
        &[
            "x.yaml:2:10: \"always\" is 7×24 everywhere; expected another name",
            "x.yaml:3:20: unknown time zone \"北京\"; expected an IANA name, for example Asia/Shanghai",
        ],
    );
    check(
        "calendars:\n- name: a\n  zone: UTC\n  weekly: {周一: 08:00-12:00, mon-tue: 08:00-12:00, tue: 8-12}\n",
        &[
            "x.yaml:4:16: \"周一\" is not a weekday; expected mon, tue, wed, thu, fri, sat, sun, or a span such as mon-fri",
            "x.yaml:4:56: \"8-12\" is not a stretch of hours; expected for example 08:00-12:00 or 22:00-06:00",
            "x.yaml:4:56: the hours of tue stand twice; expected each day once",
        ],
    );
    check(
        "calendars:\n- name: a\n  zone: UTC\n  holidays: [japan, 2026-02-30, 2026-10-07..2026-10-01]\n",
        &[
            "x.yaml:4:14: \"japan\" is not a date; expected 2026-10-01 or 2026-10-01..2026-10-07, from 1970 to 2100",
            "x.yaml:4:21: \"2026-02-30\" is not a date; expected 2026-10-01 or 2026-10-01..2026-10-07, from 1970 to 2100",
            "x.yaml:4:33: \"2026-10-07..2026-10-01\" ends before it begins; expected the earlier date first",
        ],
    );
    check_rule(
        "after_hours: {calendar: office, tiers: nights}",
        &[
            "x.yaml:3:29: unknown calendar \"office\"; expected one of always",
            "x.yaml:3:44: unknown ladder \"nights\"; expected one of default",
        ],
    );
    check_rule(
        "playbook: 断网处置",
        &["x.yaml:3:15: unknown playbook \"断网处置\"; expected the name of a playbook; these rules have none yet"],
    );
}

/// Each key by its name before.
const OLD_WORDS: &str = "\
targets:
  - {name: std, version: 1, because: first, ttr: {within: 1h}}
rules:
  - {name: a, match: a=b, pages: false, settle: 5s, pattern: {threshold: {count: 2, within: 1m}}, otherwise_after: 10s}
  - {name: b, match: '@status=\"point\"', quiet: 1m, title: 'a text may say quiet: settle'}
  - {name: c, match: a=c, because: it waits, pattern: {thresholds: {rise: {count: 5, within: 1m}, fall: {count: 0, within: 5m}}}}
  - {name: d, match: a=d, pattern: {pair_window: {until: a=e, within: 1m}}}
teams: [{name: noc, members: [li]}]
tiers:
  - name: night
    hierarchy: [{after: 1h, team: noc}]
    steps: [{tier: 1, team: noc, respond_by: 30m, demands: [symptom]}]
rosters:
  - {name: r, zone: Asia/Shanghai, when_absent: wait, when_full: skip, layers: [{name: l, start: 2026-01-05T08:00, every: daily, people: [li]}]}
problems:
  - {name: p, count: 2, within: 1d, team: noc, quiet: 10d}
";

#[test]
fn an_old_word_is_read_and_warned_of_where_it_stands() {
    let renamed = [
        ("1:1", "targets", "sla"),
        ("2:29", "because", "justification"),
        ("4:27", "pages", "paging"),
        ("4:41", "settle", "notify_delay"),
        ("4:99", "otherwise_after", "pass_on_after"),
        ("5:41", "quiet", "clear_after"),
        ("6:27", "because", "justification"),
        ("6:56", "thresholds", "hysteresis"),
        ("7:37", "pair_window", "missing_followup"),
        ("11:5", "hierarchy", "notify_managers"),
        ("12:51", "demands", "required_fields"),
        ("14:36", "when_absent", "if_nobody_on_duty"),
        ("14:55", "when_full", "if_all_at_limit"),
        ("16:48", "quiet", "clear_after"),
    ];
    let warnings = |text: &str| -> Vec<String> {
        let all = loaded(text).warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
        all.into_iter().filter(|warning| warning.contains("is now called")).collect()
    };
    let expected = renamed.map(|(place, old, new)| {
        format!("x.yaml:{place}: the key `{old}` is now called `{new}`; the old word ends with the next release")
    });
    assert_eq!(warnings(OLD_WORDS), expected);

    let new_words =
        renamed.iter().fold(OLD_WORDS.replace("'a text may say quiet: settle'", "a text"), |text, (_, old, new)| {
            text.replace(&format!("{old}:"), &format!("{new}:"))
        });
    assert!(warnings(&new_words).is_empty(), "{new_words}");
    let current = loaded(&new_words);
    let rulebook = |loaded: Loaded| {
        format!("{:?}", Rulebook { texts: Vec::new(), hash: Rulebook::empty().hash, ..loaded.rulebook })
    };
    let old = loaded(&OLD_WORDS.replace("'a text may say quiet: settle'", "a text"));
    assert_eq!(rulebook(old), rulebook(current), "the words change, their meaning does not");
}

#[test]
fn a_key_cannot_have_both_its_names() {
    let text = "rules:\n  - {name: a, match: a=b, settle: 5s, notify_delay: 5s}\n";
    let mistakes = load(vec![file("x.yaml", text)]).unwrap_err();
    assert!(mistakes[0].message.contains("duplicate field"), "{}", mistakes[0]);
}

#[test]
fn a_rule_excepts_sets_pages_in_intervals_and_groups_all() {
    let text = r#"
rules:
  - {name: r, by: [], unless: ['a="1", b="2"', c=~"x|y"], mute_time_intervals: [night], active_time_intervals: [day, night]}
  - {name: s, pattern: {threshold: {count: 2, within: 1m}}}
time_intervals:
  - name: day
    time_intervals: [{weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}], location: Asia/Shanghai}]
  - {name: night, time_intervals: [{times: [{start_time: '20:00', end_time: '24:00'}]}, {months: ['2'], years: ['2028'], days_of_month: ['-1']}]}
alertmanager: {resolve_timeout: 20m}
"#;
    let rulebook = loaded(text).rulebook;
    let rule = &rulebook.rules[0];
    let sets: Vec<String> = rule.unless.iter().map(ToString::to_string).collect();
    assert_eq!((sets.len(), rule.unless[0].0.len(), rule.one_group), (2, 2, true), "{sets:?}");
    assert_eq!((rule.notify_times.mute.len(), rule.notify_times.active.len()), (1, 2));
    assert_eq!(rulebook.resolve_timeout, TimeDelta::from_minutes(20));
    assert_eq!(rulebook.zones(), ["Asia/Shanghai", "UTC"].into());
    let at = |text: &str| text.parse().unwrap();
    let muted = |text: &str| rule.notify_times.muted_by(&rulebook.time_intervals, at(text));
    assert_eq!(muted("2026-11-24T10:00:00+08:00"), None);
    assert_eq!(muted("2026-11-24T21:00:00Z").as_deref(), Some("mute time night"));
    assert_eq!(muted("2026-11-29T10:00:00+08:00").as_deref(), Some("the time outside of day, night"));
    assert!(muted("2028-02-29T01:00:00Z").is_some() && muted("2028-02-28T01:00:00Z").is_none());
    assert!(!rulebook.rules[1].one_group && rulebook.rules[1].notify_times.is_empty());
}

#[test]
fn what_no_time_interval_or_exception_can_be_is_a_mistake() {
    check(
        "rules: [{name: r, mute_time_intervals: [lunch]}]\n",
        &[
            "x.yaml:1:41: unknown time interval \"lunch\"; expected the name of a time interval; these rules have none yet",
        ],
    );
    check_rule(
        "unless: ['']",
        &["x.yaml:3:14: a set without a matcher fits everything; expected at least one matcher"],
    );
    check_rule("unless: ['a=~\"(\"']", &["x.yaml:3:18: bad regular expression…"]);
    check(
        "time_intervals: [{name: a, time_intervals: [{location: Mars}]}]\n",
        &["x.yaml:1:56: unknown time zone \"Mars\"; expected an IANA name, for example Asia/Shanghai"],
    );
    check(
        "time_intervals: [{name: a, time_intervals: [{times: [{start_time: '22:00', end_time: '06:00'}]}]}]\n",
        &["x.yaml:1:67: 22:00 to 06:00 does not end after its start; a night is two stretches"],
    );
    check(
        "time_intervals: [{name: a, time_intervals: [{weekdays: ['fri']}]}]\n",
        &["x.yaml:1:57: \"fri\" is not a day…"],
    );
    check(
        "inhibitions: [{name: i}]\n",
        &["x.yaml:1:22: both sides fit everything; expected at least one matcher in source or target"],
    );
    check("alertmanager: {resolve_timeout: 0s}\n", &["x.yaml:1:33: 0s is out of bounds; expected 1s to 90d"]);
}
