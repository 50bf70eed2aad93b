//! Capacity check: can the people of a team do the work of its plans in time, for each run by itself and for
//! overlapping runs together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::core::calendar::WorkCalendar;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{ChecklistItem, Plan, Rulebook};

const DAY_SECONDS: f64 = 86_400.0;

/// The work of one run against the working time of its inspectors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capacity {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Number of items in one person's work: items times devices times slots.
    pub items: u32,
    pub needed: TimeDelta,
    pub inspectors: u32,
    /// The working time of all inspectors together.
    pub available: TimeDelta,
    pub fits: bool,
    /// Basis of the working time.
    pub basis: String,
}

impl Plan {
    /// A person's work in one run.
    pub fn work(&self) -> TimeDelta {
        let minutes: i64 = self.items.iter().map(|item| i64::from(item.minutes)).sum();
        TimeDelta::from_minutes(minutes * i64::from(self.slots.map_or(1, |slots| slots.count())))
    }

    /// Capacity for the first run that is scheduled after that time. `None` if the plan gives no people or hours, if
    /// its items give no minutes, or if it has no further run.
    pub fn capacity(&self, rulebook: &Rulebook, after: Timestamp) -> Option<Capacity> {
        let needed = self.work();
        if needed.is_zero() {
            return None;
        }
        let from = self.schedule.next_after(after)?;
        let slots = self.slots.map_or(1, |slots| slots.count());
        let by_people = |item: &&ChecklistItem| item.minutes > 0;
        let items = u32::try_from(self.items.iter().filter(by_people).count()).unwrap_or(u32::MAX) * slots;
        self.capacity_for(rulebook, (from, from + self.missed_after), (items, needed))
    }

    /// The people's capacity for that work in that time.
    fn capacity_for(
        &self,
        rulebook: &Rulebook,
        (from, to): (Timestamp, Timestamp),
        (items, needed): (u32, TimeDelta),
    ) -> Option<Capacity> {
        let crew = self.crew.as_ref()?;
        let members = rulebook.teams.get(&self.team).map_or(0, |team| team.members.len());
        let inspectors = crew.inspectors.unwrap_or(u32::try_from(members).unwrap_or(u32::MAX));
        let (each, basis) = match self.crew_calendar(rulebook) {
            Some(calendar) => (calendar.between(from, to), format!("calendar {}", calendar.name)),
            None => {
                let days = (to.since(from).as_seconds_f64() / DAY_SECONDS).ceil() as i64;
                let each = TimeDelta::from_micros(crew.hours_a_day.as_micros() * days);
                (each, format!("{} on each of {days} days", crew.hours_a_day))
            }
        };
        let available = TimeDelta::from_micros(each.as_micros() * i64::from(inspectors));
        Some(Capacity { from, to, items, needed, inspectors, available, fits: needed <= available, basis })
    }

    fn crew_calendar<'a>(&self, rulebook: &'a Rulebook) -> Option<&'a WorkCalendar> {
        rulebook.calendars.get(self.crew.as_ref()?.calendar.as_ref()?)
    }

    /// The first overloaded run from now on, among those whose time the calendar covers.
    pub(crate) fn overload(&self, rulebook: &Rulebook, now: Timestamp) -> Option<Capacity> {
        self.runs_looked_at(rulebook, now).into_iter().find(|capacity| !capacity.fits)
    }

    /// The next runs, among those whose time the calendar covers.
    fn runs_looked_at(&self, rulebook: &Rulebook, now: Timestamp) -> Vec<Capacity> {
        let next = |after: Timestamp| {
            let capacity = self.capacity(rulebook, after)?;
            let calendar = self.crew_calendar(rulebook);
            calendar.is_none_or(|calendar| calendar.next_open(capacity.to).is_some()).then_some(capacity)
        };
        std::iter::successors(next(now), |capacity| next(capacity.from)).take(RUNS_LOOKED_AT).collect()
    }
}

/// Number of a plan's runs that are compared with the calendar.
const RUNS_LOOKED_AT: usize = 50;

/// Several plans of a team that fit alone, but not together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JointOverload<'a> {
    /// In the order of their names.
    pub plans: Vec<&'a str>,
    pub team: &'a str,
    /// Over all runs that lie wholly in that time; its people are those of the plan with the highest number.
    pub capacity: Capacity,
}

/// For each team the shortest examined time in which runs of several plans begin and must be done, but exceed the
/// people's capacity.
pub(crate) fn joint_overloads(rulebook: &Rulebook, now: Timestamp) -> Vec<JointOverload<'_>> {
    let teams: BTreeSet<&str> = rulebook.plans.values().map(|plan| plan.team.as_str()).collect();
    let of_team = |team: &&str| {
        let plans = rulebook.plans.values().filter(|plan| plan.team == **team);
        // A run that does not fit alone is reported alone.
        let mut runs: Vec<(&Plan, Capacity)> = plans
            .map(|plan| (plan, plan.runs_looked_at(rulebook, now)))
            .filter(|(_, runs)| runs.iter().all(|run| run.fits))
            .flat_map(|(plan, runs)| runs.into_iter().map(move |run| (plan, run)))
            .collect();
        runs.sort_by_key(|(_, run)| run.to);
        let begins: BTreeSet<Timestamp> = runs.iter().map(|(_, run)| run.from).collect();
        let overloads = begins.iter().filter_map(|from| first_overload(rulebook, *from, &runs));
        overloads.min_by_key(|over| over.capacity.to.since(over.capacity.from))
    };
    teams.iter().filter_map(of_team).collect()
}

/// The first deadline that the runs beginning at `from` or later cannot meet. `runs` by their end.
fn first_overload<'a>(
    rulebook: &Rulebook,
    from: Timestamp,
    runs: &[(&'a Plan, Capacity)],
) -> Option<JointOverload<'a>> {
    let (mut items, mut needed) = (0_u32, TimeDelta::ZERO);
    let mut plans: BTreeMap<&str, &'a Plan> = BTreeMap::new();
    for (plan, run) in runs.iter().filter(|(_, run)| run.from >= from) {
        items = items.saturating_add(run.items);
        needed = needed + run.needed;
        plans.insert(&plan.name, plan);
        if plans.len() < 2 {
            continue;
        }
        let work = (items, needed);
        let most = plans.values().filter_map(|plan| plan.capacity_for(rulebook, (from, run.to), work));
        let capacity = most.max_by_key(|capacity| capacity.available)?;
        if !capacity.fits {
            return Some(JointOverload { plans: plans.into_keys().collect(), team: &plan.team, capacity });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::core::rules::{FindingKind, RuleText, load, report};

    /// The need, the capacity, the result, and the finding of `check`.
    #[track_caller]
    fn check(plan: &str, expected: (&str, &str, bool), finding: Option<&str>) {
        let text = format!(
            "teams: [{{name: 现场, members: [一, 二]}}]\n\
             inventory: {{items: [{{name: pc1, class: pc}}, {{name: pc2, class: pc}}, {{name: 打印机, class: printer}}]}}\n\
             inspections:\n  - {plan}\n"
        );
        let loaded = load(vec![RuleText { path: "a.yaml".to_owned(), text: text.clone() }]);
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"));
        let plan = loaded.rulebook.plans.values().next().expect("the plan");
        let found = plan.capacity(&loaded.rulebook, crate::core::model::Timestamp::EPOCH).expect("a capacity");
        let shown = (found.needed.to_string(), found.available.to_string(), found.fits);
        assert_eq!((shown.0.as_str(), shown.1.as_str(), shown.2), expected);
        let report = report(&loaded, 1_000, crate::core::model::Timestamp::EPOCH);
        let found: Vec<&str> = report.of_kind(FindingKind::Capacity).map(|finding| finding.message.as_str()).collect();
        assert_eq!(found, finding.into_iter().collect::<Vec<_>>());
    }

    /// The finding of `check` for plans that share the people of one team; each opens a window of two days on the first
    /// of January and of July, unless it sets another.
    #[track_caller]
    fn check_together(plans: &[&str], expected: Option<&str>) {
        let plan = |(number, said): (usize, &&str)| {
            let said = said.replace("JULY", "window: {times: 2, per: year, within: 2d}, zone: UTC");
            format!("  - {{name: 计划{number}, items: [{{name: 除尘, minutes: 150, manual: {{}}}}], {said}}}\n")
        };
        let plans: String = plans.iter().enumerate().map(plan).collect();
        let text =
            format!("teams: [{{name: 现场, members: [一]}}, {{name: 机房, members: [二]}}]\ninspections:\n{plans}");
        let loaded = load(vec![RuleText { path: "a.yaml".to_owned(), text: text.clone() }]);
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"));
        let report = report(&loaded, 1_000, crate::core::model::Timestamp::EPOCH);
        let found: Vec<&str> = report.of_kind(FindingKind::Capacity).map(|finding| finding.message.as_str()).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{text}");
    }

    #[test]
    fn plans_that_overlap_are_held_against_the_hours_of_their_people_together() {
        let site = "JULY, team: 现场, capacity: {hours_a_day: 2h}";
        let over = "plans \"计划0\" and \"计划1\" of team \"现场\" together need 5h of work from 1970-07-01T00:00:00Z to \
                    1970-07-03T00:00:00Z, and its 1 inspectors have 4h (2h on each of 2 days)";
        check_together(&[site], None);
        check_together(&[site, site], Some(over));
        // Another team, other days, or more hours.
        check_together(&[site, "JULY, team: 机房, capacity: {hours_a_day: 2h}"], None);
        check_together(
            &[site, "window: {months: [8], within: 2d}, zone: UTC, team: 现场, capacity: {hours_a_day: 2h}"],
            None,
        );
        check_together(&[site, "JULY, team: 现场, capacity: {hours_a_day: 3h}"], None);
        // Windows that end apart: each pair fits, all four do not.
        let half = "JULY, team: 现场, capacity: {hours_a_day: 150m}";
        let wider = "window: {months: [7], within: 3d}, zone: UTC, team: 现场, capacity: {hours_a_day: 150m}";
        check_together(&[half, half], None);
        check_together(&[wider, half, wider], None);
        check_together(
            &[half, wider, half, wider],
            Some(
                "plans \"计划0\", \"计划1\", \"计划2\" and \"计划3\" of team \"现场\" together need 10h of work from \
                 1970-07-01T00:00:00Z to 1970-07-04T00:00:00Z, and its 1 inspectors have 7h30m (2h30m on each of 3 days)",
            ),
        );
    }

    #[test]
    fn the_work_of_a_window_is_held_against_the_hours_of_its_people() {
        let plan = |minutes: u32, who: &str| {
            format!(
                "{{name: 清洁, window: {{times: 2, per: year, within: 2d}}, zone: UTC, team: 现场, of: {{kind: pc}}, \
                 items: [{{name: 除尘, minutes: {minutes}, manual: {{}}}}], capacity: {{{who}}}}}"
            )
        };
        check(&plan(60, "hours_a_day: 1h"), ("2h", "4h", true), None);
        check(&plan(60, "inspectors: 1, hours_a_day: 1h"), ("2h", "2h", true), None);
        check(
            &plan(90, "inspectors: 1, hours_a_day: 1h"),
            ("3h", "2h", false),
            Some(
                "plan \"清洁\" needs 3h of work from 1970-07-01T00:00:00Z to 1970-07-03T00:00:00Z, and its 1 \
                 inspectors have 2h (1h on each of 2 days)",
            ),
        );
        check(&plan(1440, "calendar: always"), ("2d", "4d", true), None);
        check(
            "{name: 每小时, schedule: \"0 8 * * *\", zone: UTC, team: 现场, due_within: 10h, missed_after: 12h, \
             slots: {every: 1h, for: 4h}, items: [{name: 电压, minutes: 15, manual: {}}], \
             capacity: {inspectors: 1, hours_a_day: 2h}}",
            ("1h", "2h", true),
            None,
        );
    }
}
