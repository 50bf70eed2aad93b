//! Score of a grouping against the truth.
//!
//! The unit is an alarm: the first firing of an alarm within its fault. Over pairs of them:
//!
//! - a pair is **true** if both belong to one fault (or one flap); noise belongs to nothing, so no pair with it is true;
//! - a pair is **found** if both are in one incident; an alarm in no incident is alone;
//! - precision = true and found / found, recall = true and found / true, F1 their harmonic mean.
//!
//! **Storms**: pairs of a storm's alarms with one another, with noise or with another storm's are left out, for good or
//! bad: hundreds of alarms of low value would drown the faults, and where they lie interests nobody. A pair of a storm's
//! and a fault's alarm that was found counts as a wrong one: that fault was buried. How much of a storm came into one
//! incident is told apart.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::stream::{EventKind, Truth};

/// One incident with the first-firing events of its alerts, as `replay --incidents` writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grouped {
    /// `INC-…`; for merged incidents, the surviving one.
    pub incident: String,
    pub rule: String,
    /// The entity that the incident names as its root, if any.
    pub root: Option<String>,
    /// The producers' ids of its alerts' first firing events.
    pub events: BTreeSet<String>,
}

/// Shares are of 1; a share of nothing is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Number of alarms, and of those from faults or flaps, from noise, from storms.
    pub alarms: usize,
    pub fault_alarms: usize,
    pub noise_alarms: usize,
    pub storm_alarms: usize,
    /// Faults and flaps with at least one alarm that was not lost.
    pub faults: usize,
    /// Incidents, and alarms that are in none.
    pub incidents: usize,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    /// Of the faults with two alarms or more: the incident with most of them (the first of equals) names the root.
    pub root_found: f64,
    /// 1 − incidents / alarms.
    pub reduction: f64,
    /// Mean number of incidents that a fault is spread over.
    pub incidents_per_fault: f64,
    /// Of the noise: in no incident with a fault's alarm.
    pub noise_alone: f64,
    /// Of the storms' alarms: in the incident that has most of that storm.
    pub storm_gathered: f64,
}

/// Placement of one alarm: an incident by its index, or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AlarmPlacement<'a> {
    Incident(usize),
    Alone(&'a str),
}

/// Contents of one incident: the number of alarms of each fault and storm, and of noise.
#[derive(Default)]
struct Contents<'a> {
    faults: BTreeMap<&'a str, u64>,
    storms: u64,
    noise: u64,
}

/// Compares. An event in several incidents counts in the first of them; events unknown to the truth, or not counted by
/// it, are skipped.
pub fn score(truth: &[Truth], grouped: &[Grouped]) -> Score {
    let mut incident_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, group) in grouped.iter().enumerate() {
        for event in &group.events {
            incident_of.entry(event).or_insert(index);
        }
    }
    let alarms: Vec<&Truth> = truth.iter().filter(|one| one.alarm).collect();
    let place = |one: &'_ Truth| incident_of.get(one.id.as_str()).copied();
    let mut contents: BTreeMap<AlarmPlacement<'_>, Contents<'_>> = BTreeMap::new();
    let mut spread: BTreeMap<(bool, &str), FaultSpread<'_>> = BTreeMap::new();
    for alarm in &alarms {
        let place = place(alarm).map_or(AlarmPlacement::Alone(&alarm.id), AlarmPlacement::Incident);
        let here = contents.entry(place).or_default();
        let name = alarm.fault.as_deref().unwrap_or_default();
        match alarm.kind {
            EventKind::Fault | EventKind::Flap => *here.faults.entry(name).or_default() += 1,
            EventKind::Storm => here.storms += 1,
            EventKind::Noise => here.noise += 1,
        }
        if alarm.kind != EventKind::Noise {
            let is_storm = alarm.kind == EventKind::Storm;
            let of = spread.entry((is_storm, name)).or_insert_with(|| FaultSpread::of(alarm.root.as_deref()));
            *of.places.entry(place).or_default() += 1;
        }
    }
    let count = |wanted: &[EventKind]| alarms.iter().filter(|one| wanted.contains(&one.kind)).count();
    let noise_with_faults: u64 = contents.values().filter(|one| !one.faults.is_empty()).map(|one| one.noise).sum();
    let noise_alarms = count(&[EventKind::Noise]);
    let pairs = PairCounts::of(contents.values(), spread.iter().filter(|((storm, _), _)| !storm).map(|(_, one)| one));
    let storms: Vec<&FaultSpread<'_>> = spread.iter().filter(|((storm, _), _)| *storm).map(|(_, one)| one).collect();
    let faults: Vec<&FaultSpread<'_>> = spread.iter().filter(|((storm, _), _)| !storm).map(|(_, one)| one).collect();
    let larger: Vec<&&FaultSpread<'_>> = faults.iter().filter(|one| one.total() >= 2).collect();
    let found = larger.iter().filter(|one| one.is_root_named(grouped)).count();
    let places: usize = faults.iter().map(|one| one.places.len()).sum();
    let storm_alarms = count(&[EventKind::Storm]);
    Score {
        alarms: alarms.len(),
        fault_alarms: count(&[EventKind::Fault, EventKind::Flap]),
        noise_alarms,
        storm_alarms,
        faults: faults.len(),
        incidents: contents.len(),
        precision: pairs.precision(),
        recall: pairs.recall(),
        f1: pairs.f1(),
        root_found: share(found as u64, larger.len() as u64),
        reduction: 1.0 - contents.len() as f64 / (alarms.len().max(1)) as f64,
        incidents_per_fault: share(places as u64, faults.len() as u64),
        noise_alone: 1.0 - share_or(noise_with_faults, noise_alarms as u64, 0.0),
        storm_gathered: share(storms.iter().map(|one| one.largest().1).sum(), storm_alarms as u64),
    }
}

/// Placements of one fault's or storm's alarms.
struct FaultSpread<'a> {
    root: Option<&'a str>,
    places: BTreeMap<AlarmPlacement<'a>, u64>,
}

impl<'a> FaultSpread<'a> {
    fn of(root: Option<&'a str>) -> FaultSpread<'a> {
        FaultSpread { root, places: BTreeMap::new() }
    }

    fn total(&self) -> u64 {
        self.places.values().sum()
    }

    /// The place with most of it; of equals the first.
    fn largest(&self) -> (Option<AlarmPlacement<'a>>, u64) {
        let mut largest = (None, 0);
        for (place, count) in &self.places {
            if *count > largest.1 {
                largest = (Some(*place), *count);
            }
        }
        largest
    }

    fn is_root_named(&self, grouped: &[Grouped]) -> bool {
        match self.largest().0 {
            Some(AlarmPlacement::Incident(index)) => self.root.is_some() && grouped[index].root.as_deref() == self.root,
            Some(AlarmPlacement::Alone(_)) | None => false,
        }
    }
}

struct PairCounts {
    both: u64,
    found: u64,
    true_pairs: u64,
}

impl PairCounts {
    fn of<'a, 'b: 'a>(
        contents: impl Iterator<Item = &'a Contents<'b>>,
        faults: impl Iterator<Item = &'a FaultSpread<'b>>,
    ) -> PairCounts {
        let (mut both, mut found) = (0, 0);
        for one in contents {
            let fault_alarms: u64 = one.faults.values().sum();
            both += one.faults.values().map(|count| pairs(*count)).sum::<u64>();
            found += pairs(fault_alarms + one.noise) + fault_alarms * one.storms;
        }
        PairCounts { both, found, true_pairs: faults.map(|one| pairs(one.total())).sum() }
    }

    fn precision(&self) -> f64 {
        share(self.both, self.found)
    }

    fn recall(&self) -> f64 {
        share(self.both, self.true_pairs)
    }

    fn f1(&self) -> f64 {
        share(2 * self.both, self.found + self.true_pairs)
    }
}

fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

fn share(part: u64, whole: u64) -> f64 {
    share_or(part, whole, 1.0)
}

fn share_or(part: u64, whole: u64, of_nothing: f64) -> f64 {
    if whole == 0 { of_nothing } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alarms as `fault:id`, `~id` for noise, `!storm:id`; incidents as ids, the first of them the root's name.
    fn check(truth: &[&str], incidents: &[&[&str]], expected: &[(&str, f64)]) {
        let truth: Vec<Truth> = truth.iter().map(|text| alarm(text)).collect();
        let grouped: Vec<Grouped> = incidents.iter().enumerate().map(|(number, ids)| group(number, ids)).collect();
        let found = serde_json::to_value(score(&truth, &grouped)).unwrap();
        for (name, value) in expected {
            let got = found[name].as_f64().unwrap();
            assert!((got - value).abs() < 1e-9, "{name} is {got}, expected {value}: {found}");
        }
    }

    fn alarm(text: &str) -> Truth {
        let (kind, fault, id) = match (text.strip_prefix('~'), text.strip_prefix('!')) {
            (Some(id), _) => (EventKind::Noise, None, id),
            (_, Some(storm)) => storm.split_once(':').map(|(name, id)| (EventKind::Storm, Some(name), id)).unwrap(),
            (None, None) => text.split_once(':').map(|(name, id)| (EventKind::Fault, Some(name), id)).unwrap(),
        };
        let fault = fault.map(str::to_owned);
        Truth { id: id.to_owned(), root: fault.clone(), fault, problem: None, kind, alarm: true }
    }

    /// The text before `<` is the incident's root.
    fn group(number: usize, ids: &[&str]) -> Grouped {
        let root = ids.iter().find_map(|id| id.strip_suffix('<')).map(str::to_owned);
        let events = ids.iter().filter(|id| !id.ends_with('<')).map(|id| (*id).to_owned()).collect();
        Grouped { incident: format!("INC-{number}"), rule: "r".to_owned(), root, events }
    }

    #[test]
    fn a_perfect_grouping_scores_one_everywhere() {
        check(
            &["链路:a", "链路:b", "链路:c", "G:d", "G:e", "~n", "!S:s", "!S:t"],
            &[&["链路<", "a", "b", "c"], &["G<", "d", "e"], &["n"], &["s", "t"]],
            &[
                ("precision", 1.0),
                ("recall", 1.0),
                ("f1", 1.0),
                ("root_found", 1.0),
                ("reduction", 0.5),
                ("incidents_per_fault", 1.0),
                ("noise_alone", 1.0),
                ("storm_gathered", 1.0),
                ("incidents", 4.0),
                ("alarms", 8.0),
                ("fault_alarms", 5.0),
                ("faults", 2.0),
            ],
        );
    }

    #[test]
    fn one_incident_for_all_has_full_recall_and_little_precision() {
        // True pairs: 3 + 1. Found: 6 alarms make 15.
        check(
            &["F:a", "F:b", "F:c", "G:d", "G:e", "~n"],
            &[&["F<", "a", "b", "c", "d", "e", "n"]],
            &[
                ("precision", 4.0 / 15.0),
                ("recall", 1.0),
                ("f1", 8.0 / 19.0),
                ("root_found", 0.5),
                ("noise_alone", 0.0),
                ("incidents_per_fault", 1.0),
            ],
        );
    }

    #[test]
    fn alarms_alone_find_nothing_and_are_never_wrong() {
        let expected = [
            ("precision", 1.0),
            ("recall", 0.0),
            ("f1", 0.0),
            ("incidents", 4.0),
            ("incidents_per_fault", 3.0),
            ("root_found", 0.0),
            ("noise_alone", 1.0),
            ("reduction", 0.0),
        ];
        check(&["F:a", "F:b", "F:c", "~n"], &[], &expected);
        check(&["F:a", "F:b", "F:c", "~n"], &[&["a"], &["b"], &["c"], &["n"]], &expected);
    }

    #[test]
    fn storms_count_only_where_they_bury_a_fault() {
        // Storm with storm and with noise: nothing. Each of two alarms of F with each of two of S: four wrong pairs.
        check(&["F:a", "F:b", "!S:s", "!S:t", "~n"], &[&["a", "b"], &["s", "t", "n"]], &[("f1", 1.0)]);
        check(
            &["F:a", "F:b", "!S:s", "!S:t", "!S:u"],
            &[&["a", "b", "s", "t"]],
            &[("precision", 0.2), ("recall", 1.0), ("storm_gathered", 2.0 / 3.0)],
        );
    }

    #[test]
    fn an_event_counts_in_the_first_incident_that_names_it_and_strangers_are_passed_over() {
        check(&["F:a", "F:b"], &[&["a", "b", "stranger"], &["b"]], &[("f1", 1.0), ("incidents", 1.0)]);
        let mut clears = vec![alarm("F:a"), alarm("F:b")];
        clears[1].alarm = false;
        assert_eq!(score(&clears, &[group(0, &["a", "b"])]).alarms, 1);
    }

    #[test]
    fn nothing_at_all_is_no_mistake() {
        check(&[], &[], &[("f1", 1.0), ("incidents", 0.0), ("noise_alone", 1.0), ("root_found", 1.0)]);
    }
}
