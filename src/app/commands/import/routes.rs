//! The tree of routes as it is written, each route with what it inherits.

use super::strict_map::{Document, ImportReport, Place};
use super::yaml::{Node, Value};
use crate::core::model::{Matcher, MatcherOp, Matchers, TimeDelta};

const DEPTH_MAX: usize = 16;
/// Maximum settle delay of a rule.
const SETTLE_MAX: TimeDelta = TimeDelta::from_hours(1);
const GROUP_WAIT: TimeDelta = TimeDelta::from_seconds(30);
/// Maximum time for which all must be clear before an incident resolves.
const GROUP_INTERVAL_MAX: TimeDelta = TimeDelta::from_days(7);
const GROUP_INTERVAL: TimeDelta = TimeDelta::from_minutes(5);
const REPEAT_INTERVAL: TimeDelta = TimeDelta::from_hours(4);
const REPEAT_INTERVAL_LEAST: TimeDelta = TimeDelta::from_seconds(1);
/// Maximum time between two pages.
const REPEAT_INTERVAL_MAX: TimeDelta = TimeDelta::from_days(90);
const HOURS_A_YEAR: i64 = 365 * 24;

#[derive(Clone, Debug)]
pub(super) struct Route {
    pub place: Place,
    pub settings: RouteSettings,
    /// Its own.
    pub matchers: Vec<Matcher>,
    pub continues: bool,
    pub mute: Vec<String>,
    pub active: Vec<String>,
    pub children: Vec<Route>,
}

/// What a route inherits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RouteSettings {
    pub receiver: String,
    /// `None`: each alert separately; empty: one group for all.
    pub by: Option<Vec<String>>,
    pub group_wait: TimeDelta,
    pub group_interval: TimeDelta,
    pub repeat_interval: TimeDelta,
}

/// The root, which matches every alert.
pub(super) fn read(document: &mut Document, report: &mut ImportReport) -> Result<Route, String> {
    let root = document.map("route").ok_or("no route: not the configuration of an Alertmanager")?;
    let instead = "a page that nobody acknowledges is sent 12 times, then the incident waits in the queue";
    report.no_equal(root.at("repeat_interval"), instead);
    let instead = "how long all must be clear before an incident resolves; new alerts of it page nobody again";
    report.no_equal(root.at("group_interval"), instead);
    let settings = RouteSettings {
        receiver: String::new(),
        by: Some(Vec::new()),
        group_wait: GROUP_WAIT,
        group_interval: GROUP_INTERVAL,
        repeat_interval: REPEAT_INTERVAL,
    };
    read_one(root, &settings, 0, report)
}

fn read_one(
    mut entry: Document,
    above: &RouteSettings,
    depth: usize,
    report: &mut ImportReport,
) -> Result<Route, String> {
    let place = entry.place();
    if depth > DEPTH_MAX {
        return Err(format!("line {}: routes nest deeper than {DEPTH_MAX}", place.line));
    }
    let mut settings = above.clone();
    if let Some(receiver) = entry.text("receiver").filter(|receiver| !receiver.is_empty()) {
        settings.receiver = receiver;
    }
    settings.by = grouping(&mut entry, above, report);
    let mut span = |key, inherited, least, most| within(&mut entry, key, inherited, (least, most), report);
    settings.group_wait = span("group_wait", above.group_wait, TimeDelta::ZERO, SETTLE_MAX);
    settings.group_interval = span("group_interval", above.group_interval, TimeDelta::ZERO, GROUP_INTERVAL_MAX);
    settings.repeat_interval =
        span("repeat_interval", above.repeat_interval, REPEAT_INTERVAL_LEAST, REPEAT_INTERVAL_MAX);
    let mut route = Route {
        place,
        settings,
        matchers: matchers(&mut entry, ["match", "match_re", "matchers"])?,
        continues: entry.flag("continue").unwrap_or(false),
        // Not inherited, in Alertmanager as here.
        mute: entry.texts("mute_time_intervals"),
        active: entry.texts("active_time_intervals"),
        children: Vec::new(),
    };
    let children = entry.list("routes");
    entry.leftovers(report);
    for child in children {
        route.children.push(read_one(child, &route.settings, depth + 1, report)?);
    }
    Ok(route)
}

fn grouping(entry: &mut Document, above: &RouteSettings, report: &mut ImportReport) -> Option<Vec<String>> {
    let place = entry.at("group_by");
    let Some(Value::List(names)) = entry.take("group_by") else { return above.by.clone() };
    let texts = names.into_iter().filter_map(|Node { value, line: _ }| match value {
        Value::Text(name) => Some(name),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    });
    let names: Vec<String> = texts.collect();
    if names.iter().any(|name| name == "...") {
        return None;
    }
    if names.is_empty() {
        let as_above = match &above.by {
            None => "each alert is a group".to_owned(),
            Some(by) if by.is_empty() => "all alerts of the route are one group".to_owned(),
            Some(by) => format!("the groups are those of the route above, by {}", by.join(", ")),
        };
        let instead =
            format!("an empty list changes nothing in an Alertmanager: {as_above}; for one group write by: []");
        report.no_equal(place, instead);
        return above.by.clone();
    }
    Some(names)
}

/// A length of time, moved into the bounds of the rule language.
fn within(
    entry: &mut Document,
    key: &str,
    inherited: TimeDelta,
    (least, most): (TimeDelta, TimeDelta),
    report: &mut ImportReport,
) -> TimeDelta {
    let Some(text) = entry.text(key) else { return inherited };
    let Some(span) = duration(&text) else {
        report.no_equal(entry.at(key), format!("{text:?} is no length of time; {inherited} it is"));
        return inherited;
    };
    let bounded = span.clamp(least, most);
    if bounded != span {
        report.no_equal(entry.at(key), format!("{text}: from {least} to {most} here; {bounded} it is"));
    }
    bounded
}

/// A length of time as Prometheus writes it: `1y2w3d4h5m6s7ms`.
pub(super) fn duration(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    let Some((years, rest)) = text.split_once('y') else { return text.parse().ok() };
    let years = years.parse::<i64>().ok()?.checked_mul(HOURS_A_YEAR).filter(|hours| *hours <= HOURS_A_YEAR * 200)?;
    let rest = if rest.is_empty() { TimeDelta::ZERO } else { rest.parse().ok()? };
    Some(TimeDelta::from_hours(years) + rest)
}

/// The three spellings of matchers in an Alertmanager's file.
pub(super) fn matchers(entry: &mut Document, [equal, regex, texts]: [&str; 3]) -> Result<Vec<Matcher>, String> {
    let mut all = Vec::new();
    for (name, value) in entry.pairs(equal) {
        all.push(Matcher::equal(name, value));
    }
    let refused = |place: &Place, bad: String| format!("line {}: {}: {bad}", place.line, place.path);
    for (name, value) in entry.pairs(regex) {
        let place = entry.at(regex);
        all.push(Matcher::new(name, MatcherOp::Matches, value).map_err(|bad| refused(&place, bad.to_string()))?);
    }
    for text in entry.texts(texts) {
        let place = entry.at(texts);
        all.extend(Matchers::parse(&text).map_err(|bad| refused(&place, format!("{text:?}: {bad}")))?.0);
    }
    Ok(all)
}
