//! A year in the province: faults with their times, required tiers and work. Faults of the estate at any hour, calls of
//! clients mostly in working time, floods behind a site's router, and recurring devices.

use super::provincial_estate::{CLIENTS, EstateItem, Province};
use super::rng::Rng;
use crate::core::model::{Tier, TimeDelta, Timestamp};

/// Maximum number of draws for a time inside, or outside, working hours.
const TRIES: u32 = 1_000;
/// Requests for help of one client in a month of working days (the documents' figure).
const CALLS_PER_CLIENT_AND_MONTH: f64 = 1.6;
const MONTHS: f64 = 12.0;
/// Faults of servers, network and applications in a day.
const FAULTS_PER_DAY: f64 = 9.0;
/// Sites cut off in a year, each a flood of alerts.
const FLOODS: usize = 36;
/// Number of recurring devices, and the mean days between their faults.
const RECURRING_DEVICES: usize = 12;
const RECURRING_DAYS: f64 = 9.0;
/// Of the calls, those made outside working time.
const CALLS_OFF_HOURS: f64 = 0.04;
/// Share of calls by the tier that can repair them: first, second, third line.
const CALLS_NEED: [f64; 3] = [0.79, 0.18, 0.03];
const FAULTS_NEED: [f64; 3] = [0.35, 0.45, 0.20];
/// Share of the estate's faults that pass before any work begins.
const PASSES_BY_ITSELF: f64 = 0.12;

/// One fault, and all alerts of the tools about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakage {
    pub at: Timestamp,
    /// Value of the label that makes its alerts one incident.
    pub key: String,
    /// The labels of each alert; all fire within a minute.
    pub alerts: Vec<Vec<(&'static str, String)>>,
    /// The lowest tier that can repair it.
    pub needs: Tier,
    /// Time of the repair work.
    pub work: TimeDelta,
    /// It passes by itself after that.
    pub passes: Option<TimeDelta>,
}

/// All faults in `[from, to)`, in order; `share` of 1 is the whole province's load. `is_working` tells working time.
/// The same for the same seed.
pub fn breakages(
    province: &Province,
    seed: u64,
    (from, to): (Timestamp, Timestamp),
    share: f64,
    is_working: impl Fn(Timestamp) -> bool,
) -> Vec<Breakage> {
    let mut year = SimulatedYear { province, from, length: to.since(from), share, breakages: Vec::new() };
    let mut chance = Rng::new(seed);
    year.calls(&mut chance.split(), is_working);
    year.faults(&mut chance.split());
    year.floods(&mut chance.split());
    year.recurring(&mut chance.split());
    year.breakages.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
    year.breakages
}

struct SimulatedYear<'a> {
    province: &'a Province,
    from: Timestamp,
    length: TimeDelta,
    share: f64,
    breakages: Vec<Breakage>,
}

impl<'a> SimulatedYear<'a> {
    fn calls(&mut self, chance: &mut Rng, is_working: impl Fn(Timestamp) -> bool) {
        let clients: Vec<&EstateItem> = self.of_class(&["client", "printer"]);
        let count = CLIENTS as f64 * CALLS_PER_CLIENT_AND_MONTH * MONTHS * self.years() * self.share;
        for number in 1..=count as usize {
            let off_hours = chance.happens(CALLS_OFF_HOURS);
            // A period of holidays alone has no such hours: then at any.
            let mut at = self.moment(chance);
            for _ in 0..TRIES {
                if is_working(at) != off_hours {
                    break;
                }
                at = self.moment(chance);
            }
            let Some(item) = chance.pick(&clients) else { return };
            let ticket = format!("CALL-{number}");
            let alert = labels("UserCall", item, &[("ticket", ticket.clone())]);
            let mut breakage = Breakage::of(at, ticket, alert, CALLS_NEED, 22.0, chance);
            breakage.passes = None;
            self.breakages.push(breakage);
        }
    }

    fn faults(&mut self, chance: &mut Rng) {
        let items = self.of_class(&["server", "minicomputer", "storage", "network", "application"]);
        let count = FAULTS_PER_DAY * 365.0 * self.years() * self.share;
        for _ in 0..count as usize {
            let at = self.moment(chance);
            let Some(item) = chance.pick(&items) else { return };
            self.breakages.push(Breakage::of_item(at, item, chance));
        }
    }

    /// A failed site router: it and everything behind it is unreachable.
    fn floods(&mut self, chance: &mut Rng) {
        let count = (FLOODS as f64 * self.years() * self.share).ceil() as usize;
        for _ in 0..count {
            let at = self.moment(chance);
            let province = self.province;
            let Some((site, _)) = chance.pick(&province.sites) else { return };
            let behind = province.items.iter().filter(|item| item.site == *site);
            let alerts: Vec<_> = behind.map(|item| labels("Unreachable", item, &[])).collect();
            if let Some(first) = alerts.first().cloned() {
                let mut flood = Breakage::of(at, site.clone(), first, FAULTS_NEED, 60.0, chance);
                flood.alerts = alerts;
                self.breakages.push(flood);
            }
        }
    }

    fn recurring(&mut self, chance: &mut Rng) {
        let items = self.of_class(&["network"]);
        let devices = (RECURRING_DEVICES as f64 * self.share).ceil() as usize;
        for _ in 0..devices {
            let Some(item) = chance.pick(&items) else { return };
            let mut day = chance.exponential(RECURRING_DAYS);
            while day < self.length.as_seconds_f64() / 86_400.0 {
                let at = self.from + TimeDelta::from_seconds((day * 86_400.0) as i64);
                self.breakages.push(Breakage::of_item(at, item, chance));
                // Never the same one again during its repair.
                day += 2.0 + chance.exponential(RECURRING_DAYS - 2.0);
            }
        }
    }

    fn of_class(&self, classes: &[&str]) -> Vec<&'a EstateItem> {
        let province = self.province;
        province.items.iter().filter(|item| classes.contains(&item.class)).collect()
    }

    fn years(&self) -> f64 {
        self.length.as_seconds_f64() / (365.0 * 86_400.0)
    }

    /// Any second of the year.
    fn moment(&self, chance: &mut Rng) -> Timestamp {
        let seconds = self.length.as_seconds_f64();
        self.from + TimeDelta::from_seconds(chance.between(0.0, seconds) as i64)
    }
}

impl Breakage {
    fn of_item(at: Timestamp, item: &EstateItem, chance: &mut Rng) -> Breakage {
        let name = if item.class == "network" { "LinkDown" } else { "DeviceFault" };
        Breakage::of(at, item.name.clone(), labels(name, item, &[]), FAULTS_NEED, 45.0, chance)
    }

    /// `minutes`: the mean of the work.
    fn of(
        at: Timestamp,
        key: String,
        alert: Vec<(&'static str, String)>,
        need: [f64; 3],
        minutes: f64,
        chance: &mut Rng,
    ) -> Breakage {
        let needs = Tier::ALL[chance.weighted(&need)];
        // A higher tier gets the harder cases.
        let harder = f64::from(needs.number());
        let work = TimeDelta::from_seconds((60.0 * (5.0 + chance.exponential(minutes * harder))) as i64);
        let passes = chance.happens(PASSES_BY_ITSELF).then(|| 60.0 * (2.0 + chance.exponential(8.0)));
        let passes = passes.map(|seconds| TimeDelta::from_seconds(seconds as i64));
        Breakage { at, key, alerts: vec![alert], needs, work, passes }
    }
}

fn labels(alertname: &str, item: &EstateItem, more: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let own = [("alertname", alertname.to_owned()), ("device", item.name.clone()), ("site", item.site.clone())];
    own.into_iter().chain(more.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_has_the_load_that_the_documents_count_and_is_the_same_for_a_seed() {
        let province = Province::build(1);
        let (from, year) = (Timestamp::from_seconds(1_767_196_800), TimeDelta::from_days(365));
        let is_working = |at: Timestamp| at.as_micros().rem_euclid(86_400_000_000) < 36_000_000_000;
        let make = |seed| breakages(&province, seed, (from, from + year), 0.1, is_working);
        let all = make(7);
        assert_eq!(all, make(7));
        assert_ne!(all, make(8));
        let calls = all.iter().filter(|one| one.key.starts_with("CALL-")).count();
        // A tenth of 2,600 clients' 4,160 a month.
        assert_eq!(calls, 4_992);
        assert!(all.iter().any(|one| one.alerts.len() > 20), "no flood");
        let off_hours = all.iter().filter(|one| one.key.starts_with("CALL-") && !is_working(one.at)).count();
        assert!((100..400).contains(&off_hours), "{off_hours}");
        assert!(all.is_sorted_by_key(|one| one.at));
    }
}
