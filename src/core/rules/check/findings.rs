//! Findings about valid rules: each with its place, its kind, and the remedy.

use super::finding::CheckFinding;
use super::finding::FindingKind;
use std::collections::{BTreeMap, BTreeSet};

use super::{reachability, sites};
use crate::core::model::{Labels, Matcher, MatcherOp, Matchers, Timestamp};
use crate::core::rules::check::capacity::{Capacity, JointOverload, joint_overloads};
use crate::core::rules::{
    Cost, Extraction, FactTable, Inhibition, Inventory, Loaded, NAMING_FACT, NamingStandard, Pattern, Rule, Rulebook,
    STEPS_MAX, TEMPLATE_FACT,
};

/// All findings, by kind, then in file order. `windows_max`: the window limit of one rule.
pub fn findings(loaded: &Loaded, windows_max: usize, now: Timestamp) -> Vec<CheckFinding> {
    let rulebook = &loaded.rulebook;
    let mut found = Vec::new();
    let mut add = |kind, (section, name): (&'static str, &str), message: String| {
        let place = loaded.places.get(&(section, name.to_owned())).cloned().unwrap_or_default();
        found.push(CheckFinding { kind, rule: name.to_owned(), place, message });
    };
    for (rule, owner) in reachability::unreachable(&rulebook.rules) {
        let message =
            format!("rule {:?} is never reached: {:?} before it owns all that it matches", rule.name, owner.name);
        add(FindingKind::Unreachable, ("rule", &rule.name), message);
    }
    let estate = KnownItems::of(rulebook);
    for rule in &rulebook.rules {
        let rule_of = ("rule", rule.name.as_str());
        for message in contradictions(rule) {
            add(FindingKind::Contradiction, rule_of, message);
        }
        if let Some(estate) = &estate {
            for matcher in rule.matchers.iter().filter(|matcher| !estate.knows(matcher)) {
                let message = format!("rule {:?}: {matcher} names nothing in the inventory", rule.name);
                add(FindingKind::NotInInventory, rule_of, message);
            }
            if let Some(message) = estate.too_many_keys(rule, windows_max) {
                add(FindingKind::Bound, rule_of, message);
            }
        }
        if rule.playbook.is_none() && rule.opens_incident && rule.can_be_urgent() {
            let message = format!("rule {:?} can make a P1 and has no playbook: what is done then?", rule.name);
            add(FindingKind::NoPlaybook, rule_of, message);
        }
        if let Some(message) = rule.when.as_ref().and_then(|when| costly(&rule.name, when.cost())) {
            add(FindingKind::Costly, rule_of, message);
        }
        for why in entries(rule).into_iter().filter_map(unindexed).take(1) {
            add(FindingKind::Unindexed, rule_of, format!("rule {:?} is tried for every event: {why}", rule.name));
        }
    }
    for source in rulebook.sources.iter().filter(|source| !source.unknown_severity_words.is_empty()) {
        let words = source.unknown_severity_words.join(", ");
        let message = format!("source {:?}: say what {words} means under severities:", source.name);
        add(FindingKind::UnknownSeverity, ("source", &source.name), message);
    }
    for (kind, rule, message) in super::sla::findings(rulebook) {
        add(kind, ("rule", rule), message);
    }
    for inhibition in &rulebook.inhibitions {
        if let Some(message) = impossible(inhibition) {
            add(FindingKind::Contradiction, ("inhibition", &inhibition.name), message);
        }
    }
    for (name, message) in overloaded(rulebook, now) {
        add(FindingKind::Capacity, ("inspection plan", name), message);
    }
    for (kind, name, message) in of_calendars(rulebook, now) {
        add(kind, ("calendar", name), message);
    }
    for (site, items, at) in sites::orphans(rulebook) {
        let message = format!(
            "site {site:?} with {items} items is covered by no team of the first line; give it to somebody on a roster"
        );
        add(FindingKind::OrphanSite, ("inventory item", &at), message);
    }
    for (roster, message) in never_on(rulebook) {
        add(FindingKind::NeverOn, ("roster", roster), message);
    }
    found.sort_by_key(|finding| finding.kind);
    found
}

/// Rotations whose length and days keep meeting in the same way, so that some of their people have no shift.
fn never_on(rulebook: &Rulebook) -> impl Iterator<Item = (&str, String)> {
    let layers = rulebook.rosters.values().flat_map(|roster| roster.layers.iter().map(move |layer| (roster, layer)));
    layers.filter_map(|(roster, layer)| {
        let people = layer.never_on();
        let message = format!(
            "layer {:?} of {:?} never brings on {}; with turns: worked each shift that is worked takes a turn",
            layer.name,
            roster.name,
            people.join(", ")
        );
        (!people.is_empty()).then_some((roster.name.as_str(), message))
    })
}

fn costly(rule: &str, cost: Cost) -> Option<String> {
    (cost.most > u64::from(STEPS_MAX)).then(|| {
        format!(
            "rule {rule:?}: its when: takes about {} steps on an ordinary event and {} on the largest, of {STEPS_MAX} \
             that it is given; loop once, or over fewer labels",
            cost.usual, cost.most
        )
    })
}

/// Plans that their people cannot do: one alone, or several of one team together.
fn overloaded(rulebook: &Rulebook, now: Timestamp) -> Vec<(&str, String)> {
    let needs = |over: &Capacity| {
        let Capacity { needed, from, to, inspectors, available, basis, .. } = over;
        format!(
            "{needed} of work from {from:.0} to {to:.0}, and its {inspectors} inspectors have {available} ({basis})"
        )
    };
    let alone = rulebook.plans.iter().filter_map(|(name, plan)| Some((name, plan.overload(rulebook, now)?)));
    let alone = alone.map(|(name, over)| (name.as_str(), format!("plan {name:?} needs {}", needs(&over))));
    let together = joint_overloads(rulebook, now).into_iter().filter_map(|JointOverload { plans, team, capacity }| {
        let (last, first) = plans.split_last()?;
        let first = first.iter().map(|plan| format!("{plan:?}")).collect::<Vec<_>>().join(", ");
        let message = format!("plans {first} and {last:?} of team {team:?} together need {}", needs(&capacity));
        Some((*last, message))
    });
    alone.chain(together).collect()
}

/// Calendars that are never open, or lack the next year.
fn of_calendars(rulebook: &Rulebook, now: Timestamp) -> Vec<(FindingKind, &str, String)> {
    let mut found = Vec::new();
    for (name, calendar) in &rulebook.calendars {
        if calendar.next_open(now).is_none() {
            found.push((FindingKind::NeverOpen, name.as_str(), format!("nobody ever works in calendar {name:?}")));
        }
        if let Some(year) = calendar.lacks_statutory_year(now) {
            let message = format!(
                "calendar {name:?} does not know the statutory holidays of {year}: take a newer watchfire, or write them \
                 into its holidays and make_up"
            );
            found.push((FindingKind::YearMissing, name.as_str(), message));
        }
    }
    found
}

fn shown(matchers: &[&Matcher]) -> String {
    matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn contradictions(rule: &Rule) -> Vec<String> {
    let mut messages = Vec::new();
    let own = reachability::contradiction(&rule.matchers);
    if !own.is_empty() {
        messages.push(format!("rule {:?} fits no event: {} cannot both hold", rule.name, shown(&own)));
    }
    if let Pattern::Pair { until, .. } | Pattern::PairWindow { until, .. } = &rule.pattern {
        let second = reachability::contradiction(until);
        if !second.is_empty() {
            messages.push(format!("rule {:?} is never ended: until asks for {} at once", rule.name, shown(&second)));
        }
    }
    messages
}

/// Reason why an inhibition can never suppress an alert.
fn impossible(inhibition: &Inhibition) -> Option<String> {
    for (side, matchers) in [("source", &inhibition.source), ("target", &inhibition.target)] {
        let found = reachability::contradiction(matchers);
        if !found.is_empty() {
            return Some(format!(
                "inhibition {:?} holds nothing back: its {side} asks for {} at once",
                inhibition.name,
                shown(&found)
            ));
        }
    }
    // Values that must be equal must fit both sides.
    let on_equal = inhibition.source.iter().chain(inhibition.target.iter());
    let on_equal = on_equal.filter(|matcher| inhibition.equal.iter().any(|name| name == matcher.name()));
    let both = Matchers(on_equal.cloned().collect());
    let found = reachability::contradiction(&both);
    (!found.is_empty()).then(|| {
        let (name, shown) = (&inhibition.name, shown(&found));
        format!("inhibition {name:?} holds nothing back: source and target must be equal in what {shown} keep apart")
    })
}

/// The matchers that each find events of the rule alone.
fn entries(rule: &Rule) -> Vec<&Matchers> {
    match &rule.pattern {
        Pattern::Calendar { .. } => Vec::new(),
        Pattern::Sequence(sequence) => {
            std::iter::once(&rule.matchers).chain(sequence.steps.iter().map(|step| &step.matchers)).collect()
        }
        Pattern::Group(group) if unindexed(&rule.matchers).is_some() => {
            group.classes.iter().map(|class| &class.matchers).collect()
        }
        Pattern::Pair { until, .. } | Pattern::PairWindow { until, .. } => vec![&rule.matchers, until],
        Pattern::Group(_)
        | Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Absence { .. }
        | Pattern::Flap(_) => vec![&rule.matchers],
    }
}

/// Reason why neither a value nor an automaton can find matching events.
fn unindexed(matchers: &Matchers) -> Option<String> {
    let on_labels: Vec<&Matcher> = matchers.iter().filter(|matcher| !matcher.name().starts_with('@')).collect();
    if on_labels.iter().any(|matcher| matcher.values().is_some() || matcher.expression().is_some()) {
        return None;
    }
    let expressions: BTreeSet<&str> =
        on_labels.iter().filter(|matcher| matcher.op() == MatcherOp::Matches).map(|matcher| matcher.name()).collect();
    Some(if matchers.0.is_empty() {
        "it has no matcher at all".to_owned()
    } else if on_labels.is_empty() {
        format!("it asks only for {}", shown(&matchers.iter().collect::<Vec<_>>()))
    } else if expressions.is_empty() {
        "its matchers say only what must not be".to_owned()
    } else {
        let labels = expressions.into_iter().collect::<Vec<_>>().join(", ");
        format!("its expression on {labels} fits a missing label too")
    })
}

/// The inventory's values, indexed for matchers.
struct KnownItems<'a> {
    inventory: &'a Inventory,
    entity_labels: BTreeSet<&'a str>,
    /// Names and aliases.
    names: BTreeSet<&'a str>,
    /// Values of `site`, and of each fact under `fact.<name>`.
    values: BTreeMap<String, BTreeSet<&'a str>>,
    /// Facts that texts and names may give any value.
    open: BTreeSet<String>,
}

impl<'a> KnownItems<'a> {
    /// `None` without an inventory: then nothing counts as unknown.
    fn of(rulebook: &'a Rulebook) -> Option<KnownItems<'a>> {
        let inventory = &rulebook.inventory;
        if inventory.is_empty() {
            return None;
        }
        let mut values: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for (_, item) in inventory.items() {
            names.insert(item.name.as_str());
            names.extend(item.aliases.iter().map(String::as_str));
            for (name, value) in
                [("site", &item.site), ("owner", &item.owner), ("vendor", &item.vendor), ("contract", &item.contract)]
            {
                let Some(value) = value.as_deref() else { continue };
                values.entry(format!("fact.{name}")).or_default().insert(value);
                if name == "site" {
                    values.entry(name.to_owned()).or_default().insert(value);
                }
            }
            values.entry("fact.class".to_owned()).or_default().insert(&item.class);
            for (name, value) in item.facts.iter() {
                values.entry(format!("fact.{name}")).or_default().insert(value);
            }
        }
        values.insert("fact.ci".to_owned(), inventory.items().map(|(_, item)| item.name.as_str()).collect());
        let of = &rulebook.normalising;
        values.entry(format!("fact.{NAMING_FACT}")).or_default().insert("bad");
        for (name, value) in of.tables.iter().flat_map(FactTable::facts).flat_map(Labels::iter) {
            values.entry(format!("fact.{name}")).or_default().insert(value);
        }
        let parts = of.naming.iter().flat_map(NamingStandard::parts);
        let parts = parts.chain(of.extractions.iter().flat_map(Extraction::parts)).chain([TEMPLATE_FACT]);
        let open = parts.map(|name| format!("fact.{name}")).collect();
        Some(KnownItems { inventory, entity_labels: inventory.entity_labels().collect(), names, values, open })
    }

    /// True if a value that the matcher demands exists. A matcher without a specific demand passes.
    fn knows(&self, matcher: &Matcher) -> bool {
        if !matcher.op().is_positive() || matcher.matches_value("") {
            return true;
        }
        let host_of = |value: &str| value.rsplit_once(':').map(|(host, _)| host.to_owned());
        if self.entity_labels.contains(matcher.name()) {
            return match matcher.values() {
                Some(values) => values.iter().any(|value| {
                    self.names.contains(value) || host_of(value).is_some_and(|host| self.names.contains(host.as_str()))
                }),
                // A port, unknown to the inventory, may follow the name.
                None if matcher.name() == "instance" => true,
                None => self.names.iter().any(|name| matcher.matches_value(name)),
            };
        }
        if self.open.contains(matcher.name()) {
            return true;
        }
        match self.values.get(matcher.name()) {
            Some(values) => values.iter().any(|value| matcher.matches_value(value)),
            None => !matcher.name().starts_with("fact."),
        }
    }

    /// Reports a rule with one window per key if the inventory alone makes more keys than its limit.
    fn too_many_keys(&self, rule: &Rule, windows_max: usize) -> Option<String> {
        rule.pattern.window()?;
        let by_entity = rule.by.iter().find(|name| self.entity_labels.contains(name.as_str()));
        let (label, keys) = match by_entity {
            Some(label) => {
                let on_label: Vec<&Matcher> = rule.matchers.iter().filter(|matcher| matcher.name() == label).collect();
                let fits = |name: &str| on_label.iter().all(|matcher| matcher.matches_value(name));
                (label.as_str(), self.inventory.items().filter(|(_, item)| fits(&item.name)).count())
            }
            None if rule.by.iter().any(|name| name == "site") => {
                ("site", self.values.get("site").map_or(0, BTreeSet::len))
            }
            None => return None,
        };
        (keys > windows_max).then(|| {
            let name = &rule.name;
            format!("rule {name:?}: by {label}, of which the inventory has {keys}; a rule keeps {windows_max} windows, the oldest go first")
        })
    }
}
