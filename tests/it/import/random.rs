//! Random configurations of an Alertmanager, and alerts to send through them.
//!
//! The seed is fixed, so that a run never surprises; `PROPTEST_SEED` widens the search.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

pub fn runner() -> TestRunner {
    let seed = std::env::var("PROPTEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_201);
    TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() })
}

const NAMES: [&str; 4] = ["team", "severity", "env", "a_b"];
const VALUES: [&str; 7] = ["x", "数据库", "yes", "0571", "1.10", "a b", "q\"q"];
/// Expressions that Go and we read alike; the last fits an absent label.
const EXPRESSIONS: [&str; 6] = ["x|yes", "数据.*", "[0-9.]+", "y.*|q.q|a b", "(x|0571)", ".*"];
const ZONES: [&str; 3] = ["Asia/Shanghai", "Europe/Berlin", "America/New_York"];

#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: &'static str,
    /// `=`, `!=`, `=~`, `!~`.
    pub op: &'static str,
    pub value: String,
    /// Written in `match:` or `match_re:`, with the scalar as it stands.
    old: bool,
}

impl Matcher {
    /// By the library under no test: the reference of inhibitions, whose expressions are the few above.
    pub fn fits(&self, labels: &Labels) -> bool {
        let value = labels.iter().find(|(name, _)| *name == self.name).map_or("", |(_, value)| value.as_str());
        let is_like = || regex::Regex::new(&format!("^(?:{})$", self.value)).unwrap().is_match(value);
        match self.op {
            "=" => value == self.value,
            "!=" => value != self.value,
            "=~" => is_like(),
            _ => !is_like(),
        }
    }
}

pub type Labels = Vec<(&'static str, String)>;

#[derive(Clone, Debug)]
pub struct Route {
    matchers: Vec<Matcher>,
    continues: bool,
    /// `None`: that of the route above.
    receiver: Option<usize>,
    settings: &'static str,
    pub mute: Vec<usize>,
    pub active: Vec<usize>,
    children: Vec<Route>,
}

#[derive(Clone, Debug)]
pub struct Interval {
    /// Minutes of the day, the end excluded.
    pub times: Vec<(u16, u16)>,
    /// 0 is Sunday.
    pub weekdays: Option<(i8, i8)>,
    pub days_of_month: Option<(i8, i8)>,
    pub zone: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Inhibition {
    pub source: Vec<Matcher>,
    pub target: Vec<Matcher>,
    pub equal: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Case {
    root: Route,
    kinds: Vec<&'static str>,
    pub intervals: Vec<Interval>,
    pub inhibitions: Vec<Inhibition>,
    /// Each with the alert that fires beside it, and the minute since 2026-01-01 at which both begin.
    pub alerts: Vec<(Labels, Labels, i64)>,
}

const RECEIVERS: usize = 40;
/// What a receiver has in it.
const KINDS: [&str; 7] = [
    "webhook_configs: [{url: 'http://127.0.0.1:9/x', max_alerts: 5}]",
    "webhook_configs: [{url: 'http://127.0.0.1:9/y', send_resolved: false}]",
    "email_configs: [{to: noc@noc.example}]",
    "slack_configs: [{channel: noc}]",
    "pagerduty_configs: [{routing_key: k}]",
    "discord_configs: [{webhook_url: 'http://127.0.0.1:9/d'}]",
    "",
];

fn matcher() -> impl Strategy<Value = Matcher> {
    let text = prop_oneof![12 => prop::sample::select(&VALUES[..]), 1 => Just("")];
    let equal =
        (text, any::<bool>(), any::<bool>()).prop_map(|(value, is, old)| (["!=", "="][usize::from(is)], value, old));
    let like = (prop::sample::select(&EXPRESSIONS[..]), any::<bool>(), any::<bool>())
        .prop_map(|(value, is, old)| (["!~", "=~"][usize::from(is)], value, old));
    (prop::sample::select(&NAMES[..]), prop_oneof![3 => equal, 1 => like]).prop_map(|(name, (op, value, old))| {
        Matcher { name, op, value: value.to_owned(), old: old && !op.starts_with('!') }
    })
}

/// No two of the old form on one name: the second key would replace the first.
fn matchers(most: usize) -> impl Strategy<Value = Vec<Matcher>> {
    prop::collection::vec(matcher(), 0..=most).prop_map(|mut all| {
        let mut seen = std::collections::BTreeSet::new();
        for one in &mut all {
            one.old &= seen.insert((one.name, one.op));
        }
        all
    })
}

fn settings() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "",
            "group_by: [alertname]",
            "group_by: ['...']",
            "group_by: [team, env]",
            "group_by: []",
            "group_wait: 500ms",
            "group_wait: 0s, group_interval: 1m",
            "repeat_interval: 8760h",
            "repeat_interval: 1y",
        ][..],
    )
}

fn route() -> impl Strategy<Value = Route> {
    let times = || prop::collection::vec(0_usize..3, 0..=2);
    let times = prop_oneof![3 => Just((Vec::new(), Vec::new())), 1 => (times(), times())];
    let own =
        (matchers(1), prop::bool::weighted(0.3), prop::option::weighted(0.8, 0..RECEIVERS), settings(), times).boxed();
    let bare = |children: Vec<Route>| {
        move |(matchers, continues, receiver, settings, (mute, active))| Route {
            matchers,
            continues,
            receiver,
            settings,
            mute,
            active,
            children: children.clone(),
        }
    };
    own.clone().prop_map(bare(Vec::new())).prop_recursive(3, 40, 5, move |inner| {
        (own.clone(), prop::collection::vec(inner, 1..=5)).prop_map(move |(own, children)| bare(children)(own))
    })
}

fn interval() -> impl Strategy<Value = Interval> {
    let times =
        prop::collection::vec((0_u16..20, 1_u16..=4).prop_map(|(hour, hours)| (hour * 60, (hour + hours) * 60)), 0..=2);
    let weekdays = prop::option::of((0_i8..7, 0_i8..7).prop_map(|(one, other)| (one.min(other), one.max(other))));
    let days = prop_oneof![
        (1_i8..=31, 1_i8..=31).prop_map(|(one, other)| (one.min(other), one.max(other))),
        (-31_i8..0, -31_i8..0).prop_map(|(one, other)| (one.min(other), one.max(other))),
        (1_i8..=15, -10_i8..0),
    ];
    (times, weekdays, prop::option::weighted(0.3, days), prop::option::weighted(0.8, prop::sample::select(&ZONES[..])))
        .prop_map(|(times, weekdays, days_of_month, zone)| Interval { times, weekdays, days_of_month, zone })
}

fn labels() -> impl Strategy<Value = Labels> {
    let value = || prop::option::weighted(0.7, prop::sample::select(&VALUES[..]));
    (value(), value(), value(), value()).prop_map(|(team, severity, env, other)| {
        let values = [team, severity, env, other];
        NAMES.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?.to_owned()))).collect()
    })
}

fn inhibition() -> impl Strategy<Value = Inhibition> {
    let equal = prop::collection::vec(prop::sample::select(&NAMES[..]), 0..=1);
    (matchers(1), matchers(1), equal).prop_map(|(source, target, equal)| Inhibition { source, target, equal })
}

/// A configuration and `alerts` alerts.
pub fn case(alerts: usize) -> impl Strategy<Value = Case> {
    // A day and a half around each change of the clocks of Berlin and New York counts as much as the rest of the year.
    let year = 0_i64..525_600;
    let changes = prop::sample::select(vec![95_460_i64, 125_340, 427_740, 438_120]);
    let minute = prop_oneof![2 => year, 1 => (changes, -1_500_i64..1_500).prop_map(|(change, apart)| change + apart)];
    (
        (route(), prop::collection::vec(route(), 1..=5)),
        prop::collection::vec(prop::sample::select(&KINDS[..]), RECEIVERS),
        prop::collection::vec(interval(), 3),
        prop::collection::vec(inhibition(), 0..=2),
        prop::collection::vec((labels(), labels(), minute), alerts),
    )
        .prop_map(|((root, children), kinds, intervals, inhibitions, alerts)| {
            let receiver = Some(root.receiver.unwrap_or(0));
            // What an Alertmanager refuses at the root.
            let root = Route {
                matchers: Vec::new(),
                continues: false,
                receiver,
                mute: Vec::new(),
                active: Vec::new(),
                children,
                ..root
            };
            Case { root, kinds, intervals, inhibitions, alerts }
        })
}

impl Case {
    pub fn yaml(&self) -> String {
        let mut out = "global: {smtp_smarthost: 'localhost:25', smtp_from: a@noc.example, slack_api_url: 'http://127.0.0.1:9/s'}\n".to_owned();
        write_route(&mut out, &self.root, "", "route:");
        out.push_str("receivers:\n");
        for (number, kind) in self.kinds.iter().enumerate() {
            let _ = writeln!(out, "  - name: r{number}\n    {kind}");
        }
        out.push_str("time_intervals:\n");
        for (number, interval) in self.intervals.iter().enumerate() {
            let _ = writeln!(out, "  - name: i{number}\n    time_intervals: [{}]", interval.yaml());
        }
        if !self.inhibitions.is_empty() {
            out.push_str("inhibit_rules:\n");
        }
        for inhibition in &self.inhibitions {
            let side = |key: &str, matchers: &[Matcher]| {
                let all: Vec<String> = matchers.iter().map(new_form).collect();
                if all.is_empty() { String::new() } else { format!("{key}: [{}], ", all.join(", ")) }
            };
            let (source, target) =
                (side("source_matchers", &inhibition.source), side("target_matchers", &inhibition.target));
            let _ = writeln!(out, "  - {{{source}{target}equal: [{}]}}", inhibition.equal.join(", "));
        }
        out
    }

    /// Whether alerts of that receiver are thrown away.
    pub fn is_nobody(&self, receiver: &str) -> bool {
        let number: usize = receiver.trim_start_matches('r').parse().unwrap();
        self.kinds[number].is_empty()
    }

    /// The routes that send to that receiver.
    pub fn routes_to(&self, receiver: &str) -> Vec<&Route> {
        fn walk<'a>(route: &'a Route, above: usize, wanted: usize, found: &mut Vec<&'a Route>) {
            let receiver = route.receiver.unwrap_or(above);
            if receiver == wanted {
                found.push(route);
            }
            route.children.iter().for_each(|child| walk(child, receiver, wanted, found));
        }
        let mut found = Vec::new();
        walk(&self.root, 0, receiver.trim_start_matches('r').parse().unwrap(), &mut found);
        found
    }
}

impl Interval {
    fn yaml(&self) -> String {
        let clock = |minute: u16| format!("'{:02}:{:02}'", minute / 60, minute % 60);
        let times: Vec<String> = self
            .times
            .iter()
            .map(|(from, to)| format!("{{start_time: {}, end_time: {}}}", clock(*from), clock(*to)))
            .collect();
        let days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
        let times = (!times.is_empty()).then(|| format!("times: [{}]", times.join(", ")));
        let weekdays =
            self.weekdays.map(|(from, to)| format!("weekdays: ['{}:{}']", days[from as usize], days[to as usize]));
        let month = self.days_of_month.map(|(from, to)| format!("days_of_month: ['{from}:{to}']"));
        let zone = self.zone.map(|zone| format!("location: {zone}"));
        let parts: Vec<String> = times.into_iter().chain(weekdays).chain(month).chain(zone).collect();
        format!("{{{}}}", parts.join(", "))
    }
}

fn write_route(out: &mut String, route: &Route, indent: &str, head: &str) {
    let _ = writeln!(out, "{indent}{head}");
    let indent = format!("{indent}    ");
    let _ = writeln!(out, "{indent}continue: {}", route.continues);
    if let Some(receiver) = route.receiver {
        let _ = writeln!(out, "{indent}receiver: r{receiver}");
    }
    for setting in route.settings.split(", ").filter(|_| !route.settings.contains('[')) {
        let _ = writeln!(out, "{indent}{setting}");
    }
    if route.settings.contains('[') {
        let _ = writeln!(out, "{indent}{}", route.settings);
    }
    for (key, op) in [("match", "="), ("match_re", "=~")] {
        let old = route.matchers.iter().filter(|matcher| matcher.old && matcher.op == op);
        let pairs: Vec<String> =
            old.map(|matcher| format!("{indent}  {}: {}\n", matcher.name, scalar(&matcher.value))).collect();
        if !pairs.is_empty() {
            let _ = write!(out, "{indent}{key}:\n{}", pairs.concat());
        }
    }
    let new: Vec<String> = route.matchers.iter().filter(|matcher| !matcher.old).map(new_form).collect();
    if !new.is_empty() {
        let _ = writeln!(out, "{indent}matchers: [{}]", new.join(", "));
    }
    for (key, numbers) in [("mute_time_intervals", &route.mute), ("active_time_intervals", &route.active)] {
        if !numbers.is_empty() {
            let names: Vec<String> = numbers.iter().map(|number| format!("i{number}")).collect();
            let _ = writeln!(out, "{indent}{key}: [{}]", names.join(", "));
        }
    }
    if !route.children.is_empty() {
        let _ = writeln!(out, "{indent}routes:");
        route.children.iter().for_each(|child| write_route(out, child, &indent, "-"));
    }
}

/// Bare where YAML allows it, so that `yes`, `0571` and `1.10` stand as people write them.
fn scalar(value: &str) -> String {
    let is_bare = !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || c == '.');
    if is_bare { value.to_owned() } else { serde_json::Value::from(value).to_string() }
}

/// A text of `matchers:` as a YAML scalar.
fn new_form(matcher: &Matcher) -> String {
    let value = matcher.value.replace('\\', "\\\\").replace('"', "\\\"");
    serde_json::Value::from(format!("{} {} \"{value}\"", matcher.name, matcher.op)).to_string()
}
