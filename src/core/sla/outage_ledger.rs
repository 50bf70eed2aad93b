//! The ledger of outages: by customer and party, unions of overlaps, and the use of a year's budget.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::calendar::moment_in;
use crate::core::model::{IncidentId, Labels, Outage, TimeDelta, Timestamp};
use crate::core::rules::OutageBudget;

/// Maximum number of incidents with outages; beyond it, the oldest is dropped.
const INCIDENTS_MAX: usize = 20_000;
/// Retention of an ended outage: the year it belongs to and the one after.
const KEPT: TimeDelta = TimeDelta::from_days(800);
/// Minimum share of the budget for a warning of fast use, in percent.
const FAST_FROM: u8 = 10;

/// Outages of this year and the one before, and the reports on their budgets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutageLedger {
    entries: BTreeMap<IncidentId, Vec<Outage>>,
    told: BTreeMap<String, Told>,
    next: Option<Timestamp>,
}

/// Reports on one budget in one year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    year: i16,
    percent: u8,
    fast: bool,
}

/// A report on a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BudgetAlert {
    /// That percentage of the year's budget is used.
    Used { budget: String, percent: u8, used: TimeDelta, of: TimeDelta },
    /// At the present pace it will not last the year.
    Fast { budget: String, used: TimeDelta, of: TimeDelta },
    /// A new year has begun, so earlier reports no longer apply.
    Renewed { budget: String },
}

/// Use of a budget in one year.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetUse {
    pub budget: String,
    pub year: i16,
    pub used: TimeDelta,
    pub of: TimeDelta,
    /// Availability over the whole year, in percent.
    pub availability: f64,
}

impl OutageLedger {
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.next
    }

    pub fn outages(&self) -> impl Iterator<Item = &Outage> {
        self.entries.values().flatten()
    }

    /// Replaces the outages of that incident. Returns true if an older incident's were dropped for them.
    pub fn set(&mut self, incident: IncidentId, outages: &[Outage]) -> bool {
        if outages.is_empty() {
            self.entries.remove(&incident);
            return false;
        }
        self.entries.insert(incident, outages.to_vec());
        let is_over = self.entries.len() > INCIDENTS_MAX;
        if is_over {
            self.entries.pop_first();
        }
        is_over
    }

    /// The reports due now; called after every change, when due, and when budgets change.
    pub fn follow(&mut self, now: Timestamp, budgets: &[OutageBudget]) -> Vec<BudgetAlert> {
        self.entries.retain(|_, of| of.iter().any(|outage| outage.to.is_none_or(|to| to + KEPT > now)));
        self.told.retain(|name, _| budgets.iter().any(|budget| budget.name == *name));
        let mut alerts = Vec::new();
        self.next = None;
        for budget in budgets {
            let Some(year) = OutageYear::of(now, &budget.zone) else { continue };
            let told = self.told.get(&budget.name).copied().unwrap_or_default();
            let mut said = if told.year == year.number { told } else { Told { year: year.number, ..Told::default() } };
            if said != told && (told.percent > 0 || told.fast) {
                alerts.push(BudgetAlert::Renewed { budget: budget.name.clone() });
            }
            let (used, goes_on) = self.used(budget, &year, now);
            let (name, of) = (&budget.name, budget.a_year);
            let reached = |percent: u8| used >= share(of, percent);
            if let Some(percent) = budget.warn_at.iter().rev().copied().find(|percent| reached(*percent))
                && percent > said.percent
            {
                said.percent = percent;
                alerts.push(BudgetAlert::Used { budget: name.clone(), percent, used, of });
            }
            if !said.fast && reached(FAST_FROM) && year.is_fast(used, of, now) {
                said.fast = true;
                alerts.push(BudgetAlert::Fast { budget: name.clone(), used, of });
            }
            let next = goes_on.then(|| year.next(budget, said, used, now)).flatten();
            let renewal = (said.percent > 0 || said.fast || goes_on).then_some(year.to);
            self.next = self.next.into_iter().chain(next).chain(renewal).min();
            self.told.insert(budget.name.clone(), said);
        }
        alerts
    }

    fn used(&self, budget: &OutageBudget, year: &OutageYear, now: Timestamp) -> (TimeDelta, bool) {
        let of = || self.outages().filter(|outage| counts(budget, outage));
        (downtime(of(), year.from, year.to.min(now), now), of().any(|outage| outage.to.is_none()))
    }
}

impl BudgetUse {
    /// The part of a year's budget used by these outages until `now`.
    pub fn of<'a>(
        budget: &OutageBudget,
        outages: impl Iterator<Item = &'a Outage>,
        number: i16,
        now: Timestamp,
    ) -> Option<BudgetUse> {
        let year = OutageYear::numbered(number, &budget.zone)?;
        let used = downtime(outages.filter(|outage| counts(budget, outage)), year.from, year.to, now);
        let length = year.to.since(year.from).as_seconds_f64();
        let availability = (1.0 - used.as_seconds_f64() / length) * 100.0;
        Some(BudgetUse { budget: budget.name.clone(), year: number, used, of: budget.a_year, availability })
    }
}

/// Time in `[from, to)` with at least one outage: overlaps count once.
pub fn downtime<'a>(
    outages: impl Iterator<Item = &'a Outage>,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> TimeDelta {
    let mut spans: Vec<(Timestamp, Timestamp)> = outages
        .map(|outage| (outage.from.max(from), outage.to.unwrap_or(now).min(to)))
        .filter(|(a, b)| a < b)
        .collect();
    spans.sort_unstable();
    let (mut sum, mut until) = (TimeDelta::ZERO, Timestamp::from_micros(i64::MIN));
    for (begin, end) in spans {
        sum = sum + end.since(begin.max(until));
        until = until.max(end);
    }
    sum
}

/// The calendar year of a time in that zone.
pub fn year_of(at: Timestamp, zone: &str) -> Option<i16> {
    OutageYear::of(at, zone).map(|year| year.number)
}

fn counts(budget: &OutageBudget, outage: &Outage) -> bool {
    let labels = Labels::from_pairs([("customer", outage.customer.as_str()), ("service", outage.service.as_str())]);
    outage.party == budget.party && budget.matchers.matches(&labels)
}

fn share(of: TimeDelta, percent: u8) -> TimeDelta {
    TimeDelta::from_micros(of.as_micros() / 100 * i64::from(percent))
}

/// One calendar year of a zone.
struct OutageYear {
    number: i16,
    from: Timestamp,
    to: Timestamp,
}

impl OutageYear {
    fn numbered(number: i16, zone: &str) -> Option<OutageYear> {
        let begin = |number: i16| moment_in(&format!("{number:04}-01-01T00:00"), Some(zone)).ok();
        Some(OutageYear { number, from: begin(number)?, to: begin(number + 1)? })
    }

    fn of(at: Timestamp, zone: &str) -> Option<OutageYear> {
        // A zone is less than a day from UTC: it is that year, the one before or after.
        let about: i16 = at.to_rfc3339().get(..4)?.parse().ok()?;
        let years = (about - 1..=about + 1).filter_map(|number| OutageYear::numbered(number, zone));
        years.into_iter().find(|year| year.from <= at && at < year.to)
    }

    /// True if the used share of the budget exceeds the passed share of the year.
    fn is_fast(&self, used: TimeDelta, of: TimeDelta, now: Timestamp) -> bool {
        let product = |a: TimeDelta, b: TimeDelta| i128::from(a.as_micros()) * i128::from(b.as_micros());
        product(used, self.to.since(self.from)) > product(of, now.since(self.from))
    }

    /// Time of the next report while an outage continues.
    fn next(&self, budget: &OutageBudget, said: Told, used: TimeDelta, now: Timestamp) -> Option<Timestamp> {
        let until = |percent: u8| now + share(budget.a_year, percent).saturating_sub(used);
        let percent = budget.warn_at.iter().find(|percent| **percent > said.percent).map(|percent| until(*percent));
        let fast = (!said.fast).then(|| {
            // used + d > of/year × (passed + d), solved for d and rounded up.
            let (of, year) = (i128::from(budget.a_year.as_micros()), i128::from(self.to.since(self.from).as_micros()));
            let passed = i128::from(now.since(self.from).as_micros());
            let missing = (of * passed - i128::from(used.as_micros()) * year).max(0);
            let d = missing / (year - of).max(1) + 1;
            until(FAST_FROM).max(now + TimeDelta::from_micros(i64::try_from(d).unwrap_or(i64::MAX)))
        });
        percent.into_iter().chain(fast).min()
    }
}
