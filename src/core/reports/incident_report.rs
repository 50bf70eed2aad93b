//! Incident figures: time to acknowledge, time to resolve, and the resolving tiers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::statistics::{DurationStatistics, share};
use super::{Ending, IncidentFacts, ReportPeriod};
use crate::core::calendar::WorkCalendar;
use crate::core::model::{Tier, TimeDelta};

/// Kind of service desk, by its first-line resolution rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// 85 % and more: experts at the telephone.
    Expert,
    /// 60 % and more.
    Skilled,
    /// 30 % and more: it takes notes and knows the right team.
    Information,
    /// Less: it only hands on.
    Dispatch,
}

impl Band {
    /// By the exact ratio, without rounding.
    pub fn of(part: u64, whole: u64) -> Option<Band> {
        let reaches = |percent: u64| u128::from(part) * 100 >= u128::from(whole) * u128::from(percent);
        (whole > 0).then(|| match () {
            () if reaches(85) => Band::Expert,
            () if reaches(60) => Band::Skilled,
            () if reaches(30) => Band::Information,
            () => Band::Dispatch,
        })
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Band::Expert => "expert",
            Band::Skilled => "skilled",
            Band::Information => "information",
            Band::Dispatch => "dispatch",
        }
    }
}

/// First-line containment against its target of 70 to 80 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    Below,
    Within,
    Above,
}

impl Containment {
    pub fn of(part: u64, whole: u64) -> Option<Containment> {
        let hundred = u128::from(part) * 100;
        (whole > 0).then(|| match () {
            () if hundred < u128::from(whole) * 70 => Containment::Below,
            () if hundred <= u128::from(whole) * 80 => Containment::Within,
            () => Containment::Above,
        })
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Containment::Below => "below",
            Containment::Within => "within",
            Containment::Above => "above",
        }
    }
}

/// Resolutions of one tier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierShare {
    pub tier: Tier,
    pub resolved: u64,
    /// Of all that were resolved.
    pub share: Option<f64>,
}

/// The code of a reason, and the number of incidents late by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverdueReason {
    pub code: String,
    pub count: u64,
}

/// All counts but the first three exclude merged and cancelled incidents, and those that page no one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentFigures {
    /// Opened in the period, and ended as a part of another one.
    pub merged: u64,
    pub cancelled: u64,
    /// Opened in the period, without paging anyone.
    pub unpaged: u64,
    pub opened: u64,
    /// Of those opened in the period.
    pub acknowledged: u64,
    /// From opening to the first acknowledgement, of those opened in the period.
    pub time_to_acknowledge: DurationStatistics,
    /// The same in working time.
    pub working_time_to_acknowledge: DurationStatistics,
    /// Resolved in the period, whenever they were opened; the following fields are about these.
    pub resolved: u64,
    /// From opening to resolving.
    pub time_to_resolve: DurationStatistics,
    pub working_time_to_resolve: DurationStatistics,
    pub by_tier: Vec<TierShare>,
    /// The kind of desk, by first-line resolutions.
    pub band: Option<Band>,
    /// Never left their first tier, and that is the first line.
    pub contained: u64,
    pub containment_rate: Option<f64>,
    pub containment: Option<Containment>,
    pub escalated: u64,
    /// Number of escalations, and number of hand-backs.
    pub escalations: u64,
    pub bounces: u64,
    /// Handed back, of those escalated.
    pub bounce_rate: Option<f64>,
    /// At least once.
    pub reopened: u64,
    pub reopen_rate: Option<f64>,
    /// Belong to a problem.
    pub recurring: u64,
    pub recurrence_rate: Option<f64>,
    pub overdue: u64,
    pub overdue_rate: Option<f64>,
    /// The reasons, the most frequent first; late incidents without a reason are not counted here.
    pub overdue_reasons: Vec<OverdueReason>,
}

impl IncidentFigures {
    pub fn of(cases: &[IncidentFacts], period: ReportPeriod, calendar: &WorkCalendar) -> IncidentFigures {
        let opened: Vec<&IncidentFacts> = cases.iter().filter(|case| period.holds(case.opened_at)).collect();
        let count = |of: &[&IncidentFacts], which: &dyn Fn(&IncidentFacts) -> bool| {
            of.iter().filter(|case| which(case)).count() as u64
        };
        let counts = |case: &&IncidentFacts| match case.ending {
            Ending::Open | Ending::Resolved => case.tier.is_some(),
            Ending::Merged | Ending::Cancelled => false,
        };
        let (merged, cancelled) = (
            count(&opened, &|case| case.ending == Ending::Merged),
            count(&opened, &|case| case.ending == Ending::Cancelled),
        );
        let is_unpaged =
            |case: &IncidentFacts| case.tier.is_none() && matches!(case.ending, Ending::Open | Ending::Resolved);
        let unpaged = count(&opened, &is_unpaged);
        let opened: Vec<&IncidentFacts> = opened.into_iter().filter(counts).collect();
        let resolved: Vec<&IncidentFacts> =
            cases.iter().filter(counts).filter(|case| case.resolved_at.is_some_and(|at| period.holds(at))).collect();
        let whole = resolved.len() as u64;
        let (wall_tta, working_tta) = times(&opened, calendar, |case| case.acknowledged_at);
        let (wall_ttr, working_ttr) = times(&resolved, calendar, |case| case.resolved_at);
        let of_tier = |tier: Tier| count(&resolved, &|case| case.tier == Some(tier));
        let contained = count(&resolved, &|case| case.tier == Some(Tier::First) && !case.is_escalated());
        let sum = |of: fn(&IncidentFacts) -> u64| resolved.iter().map(|case| of(case)).sum::<u64>();
        let (escalations, bounces) = (sum(|case| case.escalations), sum(|case| case.bounces));
        let reopened = count(&resolved, &|case| case.reopened > 0);
        let recurring = count(&resolved, &|case| case.recurring);
        let overdue = count(&resolved, &|case| case.overdue);
        IncidentFigures {
            merged,
            cancelled,
            unpaged,
            opened: opened.len() as u64,
            acknowledged: wall_tta.count,
            time_to_acknowledge: wall_tta,
            working_time_to_acknowledge: working_tta,
            resolved: whole,
            time_to_resolve: wall_ttr,
            working_time_to_resolve: working_ttr,
            by_tier: Tier::ALL
                .map(|tier| TierShare { tier, resolved: of_tier(tier), share: share(of_tier(tier), whole) })
                .to_vec(),
            band: Band::of(of_tier(Tier::First), whole),
            contained,
            containment_rate: share(contained, whole),
            containment: Containment::of(contained, whole),
            escalated: count(&resolved, &IncidentFacts::is_escalated),
            escalations,
            bounces,
            bounce_rate: share(bounces, escalations),
            reopened,
            reopen_rate: share(reopened, whole),
            recurring,
            recurrence_rate: share(recurring, whole),
            overdue,
            overdue_rate: share(overdue, whole),
            overdue_reasons: reasons(&resolved),
        }
    }
}

fn reasons(cases: &[&IncidentFacts]) -> Vec<OverdueReason> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for code in cases.iter().filter(|case| case.overdue).filter_map(|case| case.late_because.as_deref()) {
        *counts.entry(code).or_default() += 1;
    }
    let mut ranked: Vec<OverdueReason> =
        counts.into_iter().map(|(code, count)| OverdueReason { code: code.to_owned(), count }).collect();
    ranked.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
    ranked
}

/// From opening to `end`, in wall and in working time.
fn times(
    cases: &[&IncidentFacts],
    calendar: &WorkCalendar,
    end: impl Fn(&IncidentFacts) -> Option<crate::core::model::Timestamp>,
) -> (DurationStatistics, DurationStatistics) {
    let ended = cases.iter().filter_map(|case| Some((case.opened_at, end(case)?)));
    let (wall, working): (Vec<TimeDelta>, Vec<TimeDelta>) =
        ended.map(|(from, to)| (to.since(from), calendar.between(from, to))).unzip();
    (DurationStatistics::of(wall), DurationStatistics::of(working))
}
