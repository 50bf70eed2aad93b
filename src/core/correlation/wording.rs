//! Texts for people: titles, reasons, suppression. Every decision carries one.

use super::conditions::condition::Condition;
use super::keys::{ConditionKey, RuleId};
use super::output::{CountedEvent, Member};
use super::patterns::{SequenceWindow, Window, effective};
use crate::core::model::{Labels, LabelsBuilder, TimeDelta, Timestamp};
use crate::core::rules::{Flap, GroupPattern, Pattern, Rule, Sequence, fact_named};

/// Placeholder in a title for an absent label.
const MISSING: &str = "?";

/// The rule's title with its `{label}` placeholders filled from the event that counted last, and `{count}` from the
/// window.
pub(super) fn title(
    rule: &Rule,
    key: &ConditionKey,
    condition: &Condition,
    last: Option<&CountedEvent>,
    first_member: Option<&Member>,
) -> String {
    let labels = last.map(|event| &event.labels).or(first_member.map(|member| &member.labels));
    let value = |name: &str| match name {
        "count" => Some(count(condition).to_string()),
        "summary" => last.map(|event| event.summary.clone()).filter(|summary| !summary.is_empty()),
        name => {
            let facts = || last?.facts.get(fact_named(name)?);
            key.key.get(name).or_else(facts).or_else(|| labels?.get(name)).map(str::to_owned)
        }
    };
    if key.rule == RuleId::CATCH_ALL {
        let name = value("alertname").unwrap_or_else(|| "an alert without a name".to_owned());
        return format!("{name} from {}", value("source").unwrap_or_else(|| MISSING.to_owned()));
    }
    if rule.title.is_empty() {
        return value("summary").or_else(|| value("alertname")).unwrap_or_else(|| format!("{} {}", rule.name, key.key));
    }
    fill(&rule.title, value)
}

/// The template with its `{name}` placeholders filled.
pub(super) fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after_place)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        out.push_str(&value(name.trim()).unwrap_or_else(|| MISSING.to_owned()));
        rest = after_place;
    }
    out.push_str(rest);
    out
}

/// Number of events or alerts that count under a condition.
pub(super) fn count(condition: &Condition) -> u64 {
    condition.window.count().max(condition.members.len() as u64)
}

/// The pattern that fired, its counts, and its window.
pub(super) fn reason(rule: &Rule, condition: &Condition, suppressed: usize) -> String {
    let what = what_fired(rule, condition);
    let held = match suppressed {
        0 => String::new(),
        1 => "; one of them was held back when it came".to_owned(),
        many => format!("; {many} of them were held back when they came"),
    };
    format!("{} ({}): {what}{held}", rule.name, rule.pattern.name())
}

fn what_fired(rule: &Rule, condition: &Condition) -> String {
    let (alerts, window) = (condition.members.len(), &condition.window);
    let at = |moment: Option<Timestamp>| moment.map(|at| at.to_rfc3339()).unwrap_or_default();
    let has = |count: u64, within: TimeDelta, enough: u32| {
        if window.is_on(false) {
            format!("{count} matches within {within}, {enough} are enough")
        } else {
            format!("{enough} matches within {within} came earlier, {alerts} alerts of them still fire")
        }
    };
    match (&rule.pattern, window) {
        (Pattern::Each, _) if alerts == 0 => "an event matched".to_owned(),
        (Pattern::Each, _) if alerts == 1 => "an alert matches and fires".to_owned(),
        (Pattern::Each, _) => format!("{alerts} alerts match and fire"),
        (Pattern::Suppress { within }, Window::Suppress(window)) => {
            format!("the first came at {}, further ones within {within} are swallowed", at(window.opened_at()))
        }
        (Pattern::Threshold { count, within, distinct: Some(label), .. }, window) if window.is_on(false) => {
            format!("{} values of {label} within {within}, {count} are enough", window.count())
        }
        (Pattern::Threshold { count, within, .. }, window) => has(window.count(), *within, *count),
        (Pattern::Rate(rate), window) => {
            format!("{} (above {} per {})", has(window.count(), rate.within, rate.count), rate.above, rate.per)
        }
        (Pattern::Thresholds { rise, fall }, _) => format!(
            "{} matches came within {}; it falls when at most {} come for {}",
            rise.count, rise.within, fall.count, fall.within
        ),
        (Pattern::Pair { until, .. }, Window::Pair(window)) => {
            format!("the first event came at {}, the second ({until}) did not yet", at(window.opened_at()))
        }
        (Pattern::PairWindow { until, within }, _) => {
            format!("the second event ({until}) did not come within {within} after the first")
        }
        (Pattern::Absence { within }, Window::Absence(window)) => {
            format!("nothing came for {within} after {}", at(window.last()))
        }
        (Pattern::Sequence(sequence), _) => {
            format!("{} steps came in order within {}", sequence.steps.len(), sequence.within)
        }
        (Pattern::Group(group), _) => {
            format!("all {} classes reached their counts within {}", group.classes.len(), group.within)
        }
        (Pattern::Flap(Flap::Timed { start, .. }), window) => has(window.count(), start.within, start.count),
        (Pattern::Flap(mode), Window::Flap(window)) => {
            format!("{} of the last 20 results were changes, {} %", window.changes(), window.percent(*mode))
        }
        (Pattern::Calendar { schedule }, _) => format!("the calendar {schedule} is due"),
        (Pattern::Suppress { .. } | Pattern::Pair { .. } | Pattern::Absence { .. } | Pattern::Flap(_), _) => {
            "it fired".to_owned()
        }
    }
}

/// Reason why an alert raised nothing while its pattern has not fired.
pub(super) fn held_idle(rule: &Rule, window: &Window) -> String {
    match &rule.pattern {
        Pattern::Threshold { count, .. } => format!("rule {}, {} of {count}", rule.name, window.count()),
        Pattern::Each => format!("rule {}", rule.name),
        Pattern::Suppress { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Absence { .. }
        | Pattern::Sequence(_)
        | Pattern::Group(_)
        | Pattern::Flap(_)
        | Pattern::Calendar { .. } => format!("rule {}, {}", rule.name, progress(rule, window)),
    }
}

/// Progress of a pattern and what is missing: "2 of 5 within 10m, 3 more before 12:04:00Z". For `explain`, and for a
/// waiting alert.
pub(super) fn progress(rule: &Rule, window: &Window) -> String {
    let at = |moment: Option<Timestamp>| moment.map(|at| at.to_rfc3339()).unwrap_or_default();
    let missing = |has: u64, needs: u32, within: TimeDelta, oldest: Option<Timestamp>, what: &str| {
        let more = u64::from(needs).saturating_sub(has).max(1);
        match oldest {
            Some(oldest) if has > 0 => {
                let before = oldest + effective(rule, within);
                format!("{has} of {needs}{what} within {within}, {more} more before {}", before.to_rfc3339())
            }
            Some(_) | None => format!("0 of {needs}{what} within {within}"),
        }
    };
    match (&rule.pattern, window) {
        (Pattern::Each, _) => "every match counts".to_owned(),
        (Pattern::Suppress { within }, Window::Suppress(window)) => match window.opened_at() {
            Some(opened_at) => {
                format!("swallowed: the first came at {}, it is quiet for {within}", opened_at.to_rfc3339())
            }
            None => "waits for the first".to_owned(),
        },
        (Pattern::Threshold { count, within, distinct, .. }, window) => {
            let what = distinct.as_ref().map(|label| format!(" values of {label}")).unwrap_or_default();
            missing(window.count(), *count, *within, window.counts_since(), &what)
        }
        (Pattern::Rate(rate), window) => missing(window.count(), rate.count, rate.within, window.counts_since(), ""),
        (Pattern::Thresholds { rise, .. }, Window::TwoThresholds(window)) => {
            missing(window.times().len() as u64, rise.count, rise.within, window.times().oldest(), "")
        }
        (Pattern::Flap(Flap::Timed { start, .. }), window) => {
            missing(window.count(), start.count, start.within, window.counts_since(), " transitions")
        }
        (Pattern::Flap(mode), Window::Flap(window)) => {
            format!("{} of the last 20 results were changes, {} %", window.changes(), window.percent(*mode))
        }
        (Pattern::Pair { .. }, _) => "waits for the first event".to_owned(),
        (Pattern::PairWindow { until, .. }, Window::Unanswered(window)) => match window.awaited() {
            Some(awaited) => format!("waits for the second event ({until}) until {}", awaited.to_rfc3339()),
            None => "waits for the first event".to_owned(),
        },
        (Pattern::Absence { within }, Window::Absence(window)) => {
            format!("expects it again within {within} after {}", at(window.last()))
        }
        (Pattern::Sequence(sequence), Window::Sequence(window)) => sequence_progress(sequence, window),
        (Pattern::Group(group), Window::Group(window)) => group_progress(group, window.counts(group)),
        (Pattern::Group(group), Window::SecGroup(window)) => group_progress(group, window.counts(group)),
        (Pattern::Calendar { schedule }, Window::Calendar(window)) => {
            format!("{schedule} is next due at {}", at(window.next()))
        }
        // A window is always that of its rule's pattern.
        (
            Pattern::Suppress { .. }
            | Pattern::Thresholds { .. }
            | Pattern::PairWindow { .. }
            | Pattern::Absence { .. }
            | Pattern::Sequence(_)
            | Pattern::Group(_)
            | Pattern::Flap(_)
            | Pattern::Calendar { .. },
            _,
        ) => String::new(),
    }
}

fn sequence_progress(sequence: &Sequence, window: &SequenceWindow) -> String {
    let all = sequence.steps.len();
    match window.furthest(sequence) {
        Some((came, until)) => {
            let next = sequence.steps.get(usize::from(came)).map(|step| step.matchers.to_string()).unwrap_or_default();
            format!("{came} of {all} steps, the next ({next}) before {}", until.to_rfc3339())
        }
        None => format!("0 of {all} steps within {}", sequence.within),
    }
}

fn group_progress(group: &GroupPattern, counts: impl Iterator<Item = (usize, usize)>) -> String {
    let classes = counts.zip(&group.classes);
    let each: Vec<String> =
        classes.map(|((has, needs), class)| format!("{} of {needs} ({})", has.min(needs), class.matchers)).collect();
    format!("{} within {}", each.join(", "), group.within)
}

/// Reason why an alert raised nothing that its rule does not keep as a member.
pub(super) fn held_outside(rule: &Rule) -> String {
    match rule.pattern {
        Pattern::Absence { within } => format!("rule {}, expects it again within {within}", rule.name),
        Pattern::Pair { .. } | Pattern::PairWindow { .. } => format!("rule {}, its pair is complete", rule.name),
        Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Sequence(_)
        | Pattern::Group(_)
        | Pattern::Flap(_)
        | Pattern::Calendar { .. } => format!("rule {}", rule.name),
    }
}

/// The pairs that all sets share; `None` of no sets.
pub(super) fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Option<Labels> {
    let first = sets.next()?;
    let mut pairs: Vec<(&str, &str)> = first.iter().collect();
    let all = pairs.len();
    for labels in sets {
        pairs.retain(|(name, value)| labels.get(name) == Some(value));
    }
    if pairs.len() == all {
        return Some(first.clone());
    }
    let mut builder = LabelsBuilder::default();
    for (name, value) in pairs {
        builder.push(name, value);
    }
    Some(builder.build().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_fill_their_places_and_show_what_is_missing() {
        let value = |name: &str| (name == "site").then(|| "广州".to_owned());
        assert_eq!(fill("{site}: down at { site } {x", value), "广州: down at 广州 {x");
        assert_eq!(fill("{device} is down", value), "? is down");
    }

    #[test]
    fn labels_in_common_are_those_of_all() {
        let a = Labels::from_pairs([("site", "GZ01"), ("device", "sw1")]);
        let b = Labels::from_pairs([("site", "GZ01"), ("device", "sw2")]);
        assert_eq!(common([&a, &b].into_iter()), Some(Labels::from_pairs([("site", "GZ01")])));
        assert_eq!(common([&a].into_iter()), Some(a.clone()));
        assert_eq!(common([].into_iter()), None);
    }
}
