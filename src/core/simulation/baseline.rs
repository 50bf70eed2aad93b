//! Baseline groupings to compare with: gap per site, and ALEC's distance.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::dbscan::dbscan;
use super::estate::InventoryFile;
use super::score::Grouped;
use super::stream::SimulatedEvent;
use crate::core::model::{Status, TimeDelta, Timestamp};

/// An alarm as a tool sees it, without the truth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observed {
    pub at: Timestamp,
    /// The id of its first firing event.
    pub id: String,
    pub device: String,
    pub site: String,
}

impl Observed {
    /// Every firing event once, by its own time.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a SimulatedEvent>) -> Vec<Observed> {
        let label = |event: &SimulatedEvent, name: &str| event.labels.get(name).cloned().unwrap_or_default();
        let firing = events.into_iter().filter(|event| event.status == Status::Firing);
        let observed: BTreeSet<Observed> = firing
            .map(|event| Observed {
                at: event.occurred_at,
                id: event.id.clone(),
                device: label(event, "device"),
                site: label(event, "site"),
            })
            .collect();
        observed.into_iter().collect()
    }
}

/// Groups alarms of one site while no more than `gap` lies between one and the next. The root is guessed to be the
/// device of the first.
pub fn site_gap(observed: &[Observed], gap: TimeDelta) -> Vec<Grouped> {
    let mut sorted: Vec<&Observed> = observed.iter().collect();
    sorted.sort();
    let mut open: BTreeMap<&str, (Timestamp, usize)> = BTreeMap::new();
    let mut groups: Vec<Grouped> = Vec::new();
    for alarm in sorted {
        let group = match open.get(alarm.site.as_str()) {
            Some((last, group)) if alarm.at.since(*last) <= gap => *group,
            Some(_) | None => {
                groups.push(group("site-gap", groups.len(), alarm));
                groups.len() - 1
            }
        };
        groups[group].events.insert(alarm.id.clone());
        open.insert(&alarm.site, (alarm.at, group));
    }
    groups
}

/// ALEC's clustering as OpenNMS publishes it: DBSCAN over `alpha · (beta · minutes + (1 − beta) · hops)`.
///
/// After the formula and the defaults of `AlarmInSpaceTimeDistanceMeasure` and `DBScanEngine` of OpenNMS/alec
/// (engine/dbscan, commit 086ea0f), where an edge of the inventory has the weight 100 and distances are divided by it.
/// So alarms of one device reach 75 s, of neighbours 26 s, and further ones nothing. There alarms hang on ports and
/// cards too, here on devices only; there an alarm's time is its last occurrence, here each firing is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alec {
    pub alpha: f64,
    pub beta: f64,
    pub epsilon: f64,
    pub min_points: usize,
}

impl Default for Alec {
    fn default() -> Alec {
        Alec { alpha: 144.471_176_99, beta: 0.552_577_84, epsilon: 100.0, min_points: 1 }
    }
}

impl Alec {
    /// Between two alarms that far apart.
    pub fn distance(&self, apart: TimeDelta, hops: usize) -> f64 {
        let minutes = apart.as_seconds_f64() / 60.0;
        self.alpha * (self.beta * minutes + (1.0 - self.beta) * hops as f64)
    }

    /// Maximum number of hops within reach.
    fn hops_max(&self) -> usize {
        (self.epsilon / self.alpha / (1.0 - self.beta)) as usize
    }

    fn seconds_max(&self) -> f64 {
        self.epsilon / self.alpha / self.beta * 60.0
    }
}

/// Groups by that distance over the inventory's edges. The root is guessed to be the device of the first alarm.
pub fn alec(observed: &[Observed], inventory: &InventoryFile, settings: Alec) -> Vec<Grouped> {
    let mut sorted: Vec<&Observed> = observed.iter().collect();
    sorted.sort();
    let near = Neighbourhood::new(inventory, settings.hops_max());
    let seconds_max = settings.seconds_max();
    let within = |from: usize, other: &usize| {
        let (one, other) = (sorted[from], sorted[*other]);
        let apart = if one.at > other.at { one.at.since(other.at) } else { other.at.since(one.at) };
        near.hops(&one.device, &other.device).is_some_and(|hops| settings.distance(apart, hops) <= settings.epsilon)
    };
    let clusters = dbscan(sorted.len(), settings.min_points, |from| {
        let at = sorted[from].at.as_seconds_f64();
        let is_close = |other: &usize| (sorted[*other].at.as_seconds_f64() - at).abs() <= seconds_max + 1.0;
        let before = (0..from).rev().take_while(is_close);
        let after = (from + 1..sorted.len()).take_while(is_close);
        before.chain(after).filter(|other| within(from, other)).collect()
    });
    let mut groups: Vec<Grouped> = Vec::new();
    let mut of_cluster: BTreeMap<usize, usize> = BTreeMap::new();
    for (alarm, cluster) in sorted.iter().zip(clusters) {
        let known = cluster.and_then(|cluster| of_cluster.get(&cluster).copied());
        let index = known.unwrap_or_else(|| {
            groups.push(group("alec", groups.len(), alarm));
            of_cluster.extend(cluster.map(|cluster| (cluster, groups.len() - 1)));
            groups.len() - 1
        });
        groups[index].events.insert(alarm.id.clone());
    }
    groups
}

fn group(rule: &str, number: usize, first: &Observed) -> Grouped {
    Grouped {
        incident: format!("{rule}-{}", number + 1),
        rule: rule.to_owned(),
        root: Some(first.device.clone()),
        events: BTreeSet::new(),
    }
}

/// Distances between devices, within reach; edges count both ways.
struct Neighbourhood<'a> {
    hops: BTreeMap<&'a str, BTreeMap<&'a str, usize>>,
}

impl<'a> Neighbourhood<'a> {
    fn new(inventory: &'a InventoryFile, hops_max: usize) -> Neighbourhood<'a> {
        let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for item in &inventory.inventory.items {
            edges.entry(&item.name).or_default();
            for parent in &item.depends_on {
                edges.entry(&item.name).or_default().insert(parent);
                edges.entry(parent).or_default().insert(&item.name);
            }
        }
        let hops = edges.keys().map(|from| (*from, reach(from, &edges, hops_max))).collect();
        Neighbourhood { hops }
    }

    /// `None`: too far, or no path. A device missing in the inventory is near itself only.
    fn hops(&self, one: &str, other: &str) -> Option<usize> {
        if one == other { Some(0) } else { self.hops.get(one)?.get(other).copied() }
    }
}

fn reach<'a>(from: &'a str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>, hops_max: usize) -> BTreeMap<&'a str, usize> {
    let mut reached: BTreeMap<&str, usize> = [(from, 0)].into();
    let mut waiting = VecDeque::from([(from, 0)]);
    while let Some((device, hops)) = waiting.pop_front() {
        if hops == hops_max {
            continue;
        }
        for next in edges.get(device).into_iter().flatten() {
            if !reached.contains_key(next) {
                reached.insert(next, hops + 1);
                waiting.push_back((next, hops + 1));
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::simulation::{InventoryEntry, InventoryItems};

    fn inventory(edges: &[(&str, &[&str])]) -> InventoryFile {
        let entry = |(name, needs): &(&str, &[&str])| InventoryEntry {
            name: (*name).to_owned(),
            class: "router".to_owned(),
            site: "GZ01".to_owned(),
            depends_on: needs.iter().map(|one| (*one).to_owned()).collect(),
        };
        InventoryFile { inventory: InventoryItems { items: edges.iter().map(entry).collect() } }
    }

    fn observed(alarms: &[(i64, &str, &str)]) -> Vec<Observed> {
        let one = |(number, (at, device, site)): (usize, &(i64, &str, &str))| Observed {
            at: Timestamp::from_seconds(*at),
            id: format!("e{number}"),
            device: (*device).to_owned(),
            site: (*site).to_owned(),
        };
        alarms.iter().enumerate().map(one).collect()
    }

    fn check(groups: &[Grouped], expected: &[(&str, &[&str])]) {
        let found: Vec<(&str, Vec<&str>)> = groups
            .iter()
            .map(|group| (group.root.as_deref().unwrap(), group.events.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<(&str, Vec<&str>)> = expected.iter().map(|(root, ids)| (*root, ids.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_session_ends_with_a_gap_and_keeps_to_its_site() {
        let alarms =
            observed(&[(0, "a", "广州"), (50, "b", "广州"), (60, "c", "深圳"), (110, "a", "广州"), (171, "b", "广州")]);
        check(
            &site_gap(&alarms, TimeDelta::from_seconds(60)),
            &[("a", &["e0", "e1", "e3"]), ("c", &["e2"]), ("b", &["e4"])],
        );
    }

    #[test]
    fn the_distance_is_the_published_one() {
        let alec = Alec::default();
        // The published defaults reach 75.16 s on one device, 26.58 s over one edge, and nothing over two.
        assert!(alec.distance(TimeDelta::from_millis(75_150), 0) <= 100.0);
        assert!(alec.distance(TimeDelta::from_millis(75_170), 0) > 100.0);
        assert!(alec.distance(TimeDelta::from_millis(26_570), 1) <= 100.0);
        assert!(alec.distance(TimeDelta::from_millis(26_590), 1) > 100.0);
        assert!(alec.distance(TimeDelta::ZERO, 2) > 100.0);
        assert!((alec.distance(TimeDelta::from_minutes(1), 0) - 79.8316).abs() < 1e-4);
        assert!((alec.distance(TimeDelta::ZERO, 1) - 64.6396).abs() < 1e-4);
    }

    #[test]
    fn alec_chains_over_edges_and_time() {
        let inventory = inventory(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]);
        let alarms = observed(&[
            (0, "a", ""),
            (20, "b", ""),
            (25, "d", ""),
            (40, "c", ""),
            (110, "c", ""),
            (200, "a", ""),
            (230, "b", ""),
        ]);
        check(
            &alec(&alarms, &inventory, Alec::default()),
            &[("a", &["e0", "e1", "e3", "e4"]), ("d", &["e2"]), ("a", &["e5"]), ("b", &["e6"])],
        );
    }
}
