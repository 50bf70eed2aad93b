//! Whether the people of a plan's team can do a run's work in its time.

use serde::Serialize;

use super::{Item, Plan, Rulebook};
use crate::model::{Moment, Span};

const DAY_SECONDS: f64 = 86_400.0;

/// The work of one run against the working time of those who do it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capacity {
    pub from: Moment,
    pub to: Moment,
    /// Of a person's work: items times devices times slots.
    pub items: u32,
    pub needed: Span,
    pub inspectors: u32,
    /// The working time of all inspectors together.
    pub available: Span,
    pub fits: bool,
    /// What the working time was computed from.
    pub basis: String,
}

impl Plan {
    /// A person's work in one run.
    pub fn work(&self) -> Span {
        let minutes: i64 = self.items.iter().map(|item| i64::from(item.minutes)).sum();
        Span::from_minutes(minutes * i64::from(self.slots.map_or(1, |slots| slots.count())))
    }

    /// Of the first run that is scheduled after that moment. `None` when the plan does not say who works how long, when
    /// its items do not say how long they take, or when it never comes again.
    pub fn capacity(&self, rulebook: &Rulebook, after: Moment) -> Option<Capacity> {
        let crew = self.crew.as_ref()?;
        let needed = self.work();
        if needed.is_zero() {
            return None;
        }
        let from = self.schedule.next_after(after)?;
        let to = from + self.missed_after;
        let members = rulebook.teams.get(&self.team).map_or(0, |team| team.members.len());
        let inspectors = crew.inspectors.unwrap_or(u32::try_from(members).unwrap_or(u32::MAX));
        let calendar = crew.calendar.as_ref().and_then(|name| rulebook.calendars.get(name));
        let (each, basis) = match calendar {
            Some(calendar) => (calendar.between(from, to), format!("calendar {}", calendar.name)),
            None => {
                let days = (self.missed_after.as_seconds_f64() / DAY_SECONDS).ceil() as i64;
                let each = Span::from_micros(crew.hours_a_day.as_micros() * days);
                (each, format!("{} on each of {days} days", crew.hours_a_day))
            }
        };
        let available = Span::from_micros(each.as_micros() * i64::from(inspectors));
        let slots = self.slots.map_or(1, |slots| slots.count());
        let by_people = |item: &&Item| item.minutes > 0;
        let items = u32::try_from(self.items.iter().filter(by_people).count()).unwrap_or(u32::MAX) * slots;
        Some(Capacity { from, to, items, needed, inspectors, available, fits: needed <= available, basis })
    }

    /// The first run from now on, of those whose time the calendar knows, that its people cannot do.
    pub(super) fn overload(&self, rulebook: &Rulebook, now: Moment) -> Option<Capacity> {
        let calendar = self.crew.as_ref()?.calendar.as_ref().and_then(|name| rulebook.calendars.get(name));
        let mut after = now;
        for _ in 0..RUNS_LOOKED_AT {
            let capacity = self.capacity(rulebook, after)?;
            if calendar.is_some_and(|calendar| calendar.next_open(capacity.to).is_none()) {
                return None;
            }
            if !capacity.fits {
                return Some(capacity);
            }
            after = capacity.from;
        }
        None
    }
}

/// How many runs of a plan are compared with the calendar.
const RUNS_LOOKED_AT: usize = 50;

#[cfg(test)]
mod tests {
    use crate::rules::{FindingKind, RuleText, load, report};

    /// The need, what there is, whether it fits, and what `check` says.
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
        let found = plan.capacity(&loaded.rulebook, crate::model::Moment::EPOCH).expect("a capacity");
        let shown = (found.needed.to_string(), found.available.to_string(), found.fits);
        assert_eq!((shown.0.as_str(), shown.1.as_str(), shown.2), expected);
        let report = report(&loaded, 1_000, crate::model::Moment::EPOCH);
        let found: Vec<&str> = report.of_kind(FindingKind::Capacity).map(|finding| finding.message.as_str()).collect();
        assert_eq!(found, finding.into_iter().collect::<Vec<_>>());
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
