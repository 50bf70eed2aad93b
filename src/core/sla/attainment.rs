//! SLA attainment: exact ratios by target and version, and the reasons for breaches.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::model::{BreachReason, ClockFace, ClockKind, ClockState, ContactLog, Timestamp};
use crate::core::rules::{Indicator, Measure, SlaTarget};

/// The incident data behind the ratios.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentOutcome {
    pub opened_at: Timestamp,
    pub clocks: Vec<ClockFace>,
    pub contacts: Vec<ContactLog>,
    /// It never left the first line.
    pub first_line: bool,
    /// It is resolved, or closed after that.
    pub resolved: bool,
    pub reopened: u32,
    pub breach_reason: Option<BreachReason>,
}

/// One version of a target in one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attainment {
    pub target: String,
    pub version: u32,
    pub shadow: bool,
    /// Incidents under it that opened in the period.
    pub cases: u64,
    pub figures: Vec<Figure>,
}

/// `good` of `of`; exact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The indicator's name, else its measure.
    pub name: String,
    pub measure: &'static str,
    pub good: u64,
    pub of: u64,
    /// In percent; `None` if nothing was counted.
    pub percent: Option<f64>,
    /// In percent: minimum, or maximum for `reopened`.
    pub goal: Option<u8>,
    /// True if the goal was reached; `None` without a goal or without cases.
    pub reached: Option<bool>,
}

/// Attainment of each version of each target by incidents that opened in `[from, to)`; by name and version. `targets`
/// give the indicators in addition to the four of every target.
pub fn attainment<'a>(
    cases: impl IntoIterator<Item = &'a IncidentOutcome>,
    targets: &[SlaTarget],
    from: Timestamp,
    to: Timestamp,
) -> Vec<Attainment> {
    let mut groups: BTreeMap<(&str, u32, bool), Vec<&IncidentOutcome>> = BTreeMap::new();
    for case in cases.into_iter().filter(|case| from <= case.opened_at && case.opened_at < to) {
        let Some(face) = case.clocks.first() else { continue };
        groups.entry((&face.target, face.version, face.shadow)).or_default().push(case);
    }
    let of_group = |((name, version, shadow), cases): ((&str, u32, bool), Vec<&IncidentOutcome>)| {
        let target = targets.iter().find(|target| target.name == name && target.version == version);
        let asked = target.map(|target| target.indicators.as_slice()).unwrap_or_default();
        let is_asked = |measure: &Measure| asked.iter().any(|one| one.measure == *measure);
        let always = Measure::ALWAYS.iter().filter(|measure| !is_asked(measure));
        let always = always.map(|measure| figure(measure.as_str(), *measure, None, &cases));
        let asked = asked.iter().map(|Indicator { name, measure, goal }| figure(name, *measure, Some(*goal), &cases));
        Attainment {
            target: name.to_owned(),
            version,
            shadow,
            cases: cases.len() as u64,
            figures: always.chain(asked).collect(),
        }
    };
    groups.into_iter().map(of_group).collect()
}

/// The reasons given for late incidents that opened in `[from, to)`, the commonest first.
pub fn ranked_reasons<'a>(
    cases: impl IntoIterator<Item = &'a IncidentOutcome>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for case in cases.into_iter().filter(|case| from <= case.opened_at && case.opened_at < to) {
        if let Some(reason) = &case.breach_reason {
            *counts.entry(&reason.code).or_default() += 1;
        }
    }
    let mut ranked: Vec<(String, u64)> = counts.into_iter().map(|(code, count)| (code.to_owned(), count)).collect();
    ranked.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    ranked
}

fn figure(name: &str, measure: Measure, goal: Option<u8>, cases: &[&IncidentOutcome]) -> Figure {
    let judged: Vec<bool> = cases.iter().filter_map(|case| judge(measure, case)).collect();
    let (good, of) = (judged.iter().filter(|good| **good).count() as u64, judged.len() as u64);
    let reached = goal.filter(|_| of > 0).map(|goal| match measure {
        Measure::Reopened => good * 100 <= of * u64::from(goal),
        Measure::Response | Measure::Resolution | Measure::FirstFix | Measure::Contact { .. } => {
            good * 100 >= of * u64::from(goal)
        }
    });
    let percent = (of > 0).then(|| good as f64 * 100.0 / of as f64);
    Figure { name: name.to_owned(), measure: measure.as_str(), good, of, percent, goal, reached }
}

/// True if it counts as good; `None`: it does not count here.
fn judge(measure: Measure, case: &IncidentOutcome) -> Option<bool> {
    let kept = |kind: ClockKind| {
        let face = case.clocks.iter().find(|face| face.clock == kind)?;
        match face.state {
            ClockState::Met => Some(true),
            ClockState::Breached => Some(false),
            ClockState::Idle | ClockState::Running | ClockState::Paused => None,
        }
    };
    let was_resolved = case.resolved || case.reopened > 0;
    match measure {
        Measure::Response => kept(ClockKind::Tto),
        Measure::Resolution => kept(ClockKind::Ttr),
        Measure::FirstFix => {
            was_resolved.then_some(case.resolved && case.first_line && case.reopened == 0 && case.contacts.len() <= 1)
        }
        Measure::Reopened => was_resolved.then_some(case.reopened > 0),
        Measure::Contact { by, within } => {
            case.contacts.iter().find(|contact| contact.by == by).map(|contact| contact.after <= within)
        }
    }
}
