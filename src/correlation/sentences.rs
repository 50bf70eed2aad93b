//! What people read: titles, reasons, why something is held. Every decision carries one.

use super::condition::{Condition, ConditionKey, RuleId};
use super::output::{Evidence, Member};
use super::patterns::Window;
use crate::model::{Labels, LabelsBuilder};
use crate::rules::{Pattern, Rule};

/// What stands in a title for a label that is not there.
const MISSING: &str = "?";

/// The rule's title with its `{label}` places filled from the event that counted last, and `{count}` from the window.
pub(super) fn title(
    rule: &Rule,
    key: &ConditionKey,
    condition: &Condition,
    last: Option<&Evidence>,
    first_member: Option<&Member>,
) -> String {
    let labels = last.map(|event| &event.labels).or(first_member.map(|member| &member.labels));
    let value = |name: &str| match name {
        "count" => Some(count(condition).to_string()),
        "summary" => last.map(|event| event.summary.clone()).filter(|summary| !summary.is_empty()),
        label => key.key.get(label).or_else(|| labels?.get(label)).map(str::to_owned),
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

fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
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

fn count(condition: &Condition) -> u64 {
    condition.window.count().max(condition.members.len() as u64)
}

/// Which pattern fired, by what counts, over which window.
pub(super) fn reason(rule: &Rule, condition: &Condition, suppressed: usize) -> String {
    let alerts = condition.members.len();
    let what = match (&rule.pattern, &condition.window) {
        (Pattern::Each, _) if alerts == 0 => "an event matched".to_owned(),
        (Pattern::Each, _) if alerts == 1 => "an alert matches and fires".to_owned(),
        (Pattern::Each, _) => format!("{alerts} alerts match and fire"),
        (Pattern::Threshold { count, within, .. }, window) if window.is_on(false) => {
            format!("{} matches within {within}, {count} are enough", window.count())
        }
        (Pattern::Threshold { count, within, .. }, _) => {
            format!("{count} matches within {within} came earlier, {alerts} alerts of them still fire")
        }
        (Pattern::Pair { until, .. }, Window::Pair(window)) => {
            let at = window.opened_at().map(|at| at.to_rfc3339()).unwrap_or_default();
            format!("the first event came at {at}, the second ({until}) did not yet")
        }
        (Pattern::Absence { within }, Window::Absence(window)) => {
            let at = window.last().map(|at| at.to_rfc3339()).unwrap_or_default();
            format!("nothing came for {within} after {at}")
        }
        (Pattern::Pair { .. } | Pattern::Absence { .. }, _) => "it fired".to_owned(),
    };
    let held = match suppressed {
        0 => String::new(),
        1 => "; one of them was held back when it came".to_owned(),
        many => format!("; {many} of them were held back when they came"),
    };
    format!("{} ({}): {what}{held}", rule.name, rule.pattern.name())
}

/// Why an alert raised nothing while its pattern has not fired.
pub(super) fn held_idle(rule: &Rule, window: &Window) -> String {
    match rule.pattern {
        Pattern::Threshold { count, .. } => format!("rule {}, {} of {count}", rule.name, window.count()),
        Pattern::Each | Pattern::Pair { .. } | Pattern::Absence { .. } => format!("rule {}", rule.name),
    }
}

/// Why an alert raised nothing that its rule does not keep as a member.
pub(super) fn held_outside(rule: &Rule) -> String {
    match rule.pattern {
        Pattern::Absence { within } => format!("rule {}, expects it again within {within}", rule.name),
        Pattern::Pair { .. } => format!("rule {}, its pair is complete", rule.name),
        Pattern::Each | Pattern::Threshold { .. } => format!("rule {}", rule.name),
    }
}

/// The pairs that all sets hold; `None` of no sets.
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
