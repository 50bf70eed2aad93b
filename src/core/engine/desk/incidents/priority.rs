//! How urgent an incident is, and why: the rule's own word, impact × urgency by the hour, else its severity.

use crate::core::model::{Level, Priority, Severity, Timestamp};
use crate::core::rules::{CATCH_ALL, Rule, Rulebook, Urgency};

/// A priority with its reason, and what it was made from.
pub struct Graded {
    pub priority: Priority,
    pub reason: String,
    pub impact: Option<Level>,
    pub urgency: Option<Level>,
}

/// Of an incident of that rule and severity that opened then. The hour is that of the opening, so that nothing changes
/// its priority but the rules and its alerts.
pub fn grade(rule: Option<&Rule>, name: &str, severity: Severity, opened_at: Timestamp, rulebook: &Rulebook) -> Graded {
    let by_urgency =
        rule.and_then(|rule| rule.grading.urgency.as_ref()).map(|one| by_urgency(one, opened_at, rulebook));
    let (impact, urgency) = by_urgency.as_ref().map_or((None, None), |one| (one.impact, one.urgency));
    if let Some(priority) = rule.and_then(|rule| rule.priority) {
        return Graded { priority, reason: format!("rule {name} says so"), impact, urgency };
    }
    by_urgency.unwrap_or_else(|| {
        let (priority, reason) = if name == CATCH_ALL {
            (Priority::P4, "no rule owns it".to_owned())
        } else {
            (Priority::from_severity(severity), format!("severity {severity}"))
        };
        Graded { priority, reason, impact, urgency }
    })
}

fn by_urgency(said: &Urgency, opened_at: Timestamp, rulebook: &Rulebook) -> Graded {
    let is_open = |name: &str| rulebook.calendars.get(name).is_none_or(|calendar| calendar.is_open(opened_at));
    let (urgency, hours) = match &said.outside {
        Some((calendar, outside)) if !is_open(calendar) => (*outside, format!(", outside {calendar}")),
        Some((calendar, _)) => (said.urgency, format!(", within {calendar}")),
        None => (said.urgency, String::new()),
    };
    Graded {
        priority: Priority::of(said.impact, urgency),
        reason: format!("impact {} × urgency {urgency}{hours}", said.impact),
        impact: Some(said.impact),
        urgency: Some(urgency),
    }
}
