//! The tree of routes as a list of rules: innermost first, in the order of the tree.

use super::strict_map::{Document, ImportReport};
use crate::core::model::{Matcher, MatcherOp, Matchers, TimeDelta};

const DEPTH_MAX: usize = 16;
/// Maximum settle delay of a rule.
const SETTLE_MAX: TimeDelta = TimeDelta::from_hours(1);
const GROUP_WAIT: TimeDelta = TimeDelta::from_seconds(30);
const REPEAT_INTERVAL: TimeDelta = TimeDelta::from_hours(4);

/// A route with what it inherits.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// Its place in the file, for the report.
    pub place: String,
    pub receiver: String,
    /// Its own and those of the routes above it.
    pub matchers: Vec<Matcher>,
    pub continues: bool,
    /// `None`: each alert separately.
    pub by: Option<Vec<String>>,
    pub settle: TimeDelta,
    pub page_every: TimeDelta,
    pub muted_in: Vec<String>,
    pub active_in: Vec<String>,
    pub has_children: bool,
}

/// All routes; the last one is the root, which matches every alert.
pub(super) fn read(document: &mut Document, report: &mut ImportReport) -> Result<Vec<Route>, String> {
    let root = document.map("route").ok_or("no route: not the configuration of an Alertmanager")?;
    let above = Route {
        place: String::new(),
        receiver: String::new(),
        matchers: Vec::new(),
        continues: false,
        by: Some(Vec::new()),
        settle: GROUP_WAIT,
        page_every: REPEAT_INTERVAL,
        muted_in: Vec::new(),
        active_in: Vec::new(),
        has_children: false,
    };
    let mut routes = Vec::new();
    read_one(root, &above, 0, &mut routes, report)?;
    Ok(routes)
}

fn read_one(
    mut entry: Document,
    above: &Route,
    depth: usize,
    routes: &mut Vec<Route>,
    report: &mut ImportReport,
) -> Result<(), String> {
    let place = entry.path().to_owned();
    if depth > DEPTH_MAX {
        return Err(format!("{place}: routes nest deeper than {DEPTH_MAX}"));
    }
    let mut route = Route { place, ..above.clone() };
    if let Some(receiver) = entry.text("receiver") {
        route.receiver = receiver;
    }
    route.matchers.extend(matchers(&mut entry, ["match", "match_re", "matchers"])?);
    route.continues = entry.flag("continue");
    route.by = grouping(&mut entry, above, depth, report);
    route.settle = span(&mut entry, "group_wait", above.settle, report);
    if route.settle > SETTLE_MAX {
        report.no_equal(&entry.at("group_wait"), "notify_delay: waits an hour at most; an hour it is");
        route.settle = SETTLE_MAX;
    }
    route.page_every = span(&mut entry, "repeat_interval", above.page_every, report);
    if entry.take("group_interval").is_some() && depth == 0 {
        let instead = "new alerts of an incident are shown at once and page nobody again";
        report.no_equal(&entry.at("group_interval"), instead);
    }
    // Not inherited, in Alertmanager as here.
    route.muted_in = entry.texts("mute_time_intervals");
    route.active_in = entry.texts("active_time_intervals");
    let children = entry.list("routes");
    entry.leftovers(report);
    route.has_children = !children.is_empty();
    if route.continues && !route.matchers.is_empty() {
        let instead = "an alert belongs to one incident: later rules get it too, and this one only links it if they do";
        report.no_equal(&format!("{}.continue", route.place), instead);
    }
    for child in children {
        read_one(child, &route, depth + 1, routes, report)?;
    }
    routes.push(route);
    Ok(())
}

fn grouping(entry: &mut Document, above: &Route, depth: usize, report: &mut ImportReport) -> Option<Vec<String>> {
    let place = entry.at("group_by");
    let given = entry.take("group_by");
    if given.is_none() && depth == 0 {
        report
            .no_equal(&place, "without group_by all alerts of a route are one group there; here each is one incident");
        return None;
    }
    let Some(serde_json::Value::Array(names)) = given else { return above.by.clone() };
    let names: Vec<String> = names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    if names.iter().any(|name| name == "...") || names.is_empty() { None } else { Some(names) }
}

fn span(entry: &mut Document, key: &str, inherited: TimeDelta, report: &mut ImportReport) -> TimeDelta {
    let Some(text) = entry.text(key) else { return inherited };
    text.parse().unwrap_or_else(|_| {
        report.no_equal(&format!("{} {text:?}", entry.at(key)), "write lengths of time as 30s, 5m, 4h or 7d");
        inherited
    })
}

/// The three spellings of matchers in an Alertmanager's file.
pub(super) fn matchers(entry: &mut Document, [equal, regex, texts]: [&str; 3]) -> Result<Vec<Matcher>, String> {
    let mut all = Vec::new();
    for (name, value) in entry.pairs(equal) {
        all.push(Matcher::equal(name, value));
    }
    for (name, value) in entry.pairs(regex) {
        let place = entry.at(regex);
        all.push(Matcher::new(name, MatcherOp::Matches, value).map_err(|bad| format!("{place}: {bad}"))?);
    }
    for text in entry.texts(texts) {
        let place = entry.at(texts);
        all.extend(Matchers::parse(&text).map_err(|bad| format!("{place}: {text:?}: {bad}"))?.0);
    }
    Ok(all)
}
