//! The estate: sites with power, routers, switches, hosts and services, and their dependencies.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::parameters::SimulationParameters;
use super::rng::Rng;

/// The central site.
const HEADQUARTERS: &str = "HQ00";

/// Share of hosts among the devices that fill the sites; the rest are services.
const HOST_SHARE: f64 = 0.55;

/// Share of headquarters among the devices that fill the sites.
const HEADQUARTERS_SHARE: f64 = 0.12;

/// Network devices announce their neighbours to one another, so their edges are known better.
const NETWORK_OBSCURITY: f64 = 0.25;

const SITES_PER_AGGREGATION: usize = 5;

const PLACES: [(&str, &str); 12] = [
    ("GZ", "广州"),
    ("SZ", "深圳"),
    ("ZH", "珠海"),
    ("ST", "汕头"),
    ("FS", "佛山"),
    ("SG", "韶关"),
    ("ZJ", "湛江"),
    ("ZQ", "肇庆"),
    ("JM", "江门"),
    ("MM", "茂名"),
    ("HZ", "惠州"),
    ("MZ", "梅州"),
];

/// Class of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Core,
    Aggregation,
    Power,
    Router,
    Switch,
    Host,
    Service,
}

impl Class {
    pub const ALL: [Class; 7] =
        [Class::Core, Class::Aggregation, Class::Power, Class::Router, Class::Switch, Class::Host, Class::Service];

    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Core => "core",
            Class::Aggregation => "aggregation",
            Class::Power => "power",
            Class::Router => "router",
            Class::Switch => "switch",
            Class::Host => "host",
            Class::Service => "service",
        }
    }

    /// True if it carries other devices' traffic.
    pub const fn is_network(self) -> bool {
        match self {
            Class::Core | Class::Aggregation | Class::Router | Class::Switch => true,
            Class::Power | Class::Host | Class::Service => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub name: String,
    pub class: Class,
    pub site: String,
    /// Display name of the site.
    pub place: String,
    /// Indices of its dependencies.
    pub depends_on: Vec<usize>,
}

/// All devices; parents stand before their children, so there are no cycles.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Estate {
    pub devices: Vec<Device>,
    /// By device: the indices of its dependents.
    pub dependents: Vec<Vec<usize>>,
}

/// An inventory as rule files hold it: `inventory: {items: [...]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryFile {
    pub inventory: InventoryItems,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryItems {
    pub items: Vec<InventoryEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryEntry {
    pub name: String,
    pub class: String,
    pub site: String,
    pub depends_on: Vec<String>,
}

impl Estate {
    pub fn build(parameters: &SimulationParameters, chance: &mut Rng) -> Estate {
        let mut estate = Estate::default();
        let headquarters = (HEADQUARTERS.to_owned(), "总部".to_owned());
        // Two feeds, so that no power failure takes the whole country.
        let feeds = [1, 2].map(|_| estate.add(Class::Power, &headquarters, &[]));
        let cores = feeds.map(|feed| estate.add(Class::Core, &headquarters, &[feed]));
        let mut switches: Vec<Vec<usize>> = Vec::new();
        let central = feeds.map(|feed| estate.add(Class::Switch, &headquarters, &[cores[0], cores[1], feed]));
        switches.push(central.to_vec());
        let mut aggregations = Vec::new();
        for index in 0..parameters.sites {
            let (code, place) = PLACES[index % PLACES.len()];
            let round = index / PLACES.len();
            let site = (format!("{code}{:02}", index + 1), format!("{place}{}", ["", "二期", "三期"][round.min(2)]));
            let power = estate.add(Class::Power, &site, &[]);
            if index % SITES_PER_AGGREGATION == 0 {
                aggregations.push(estate.add(Class::Aggregation, &site, &[cores[0], cores[1], power]));
            }
            let mut above: Vec<usize> = aggregations.last().copied().into_iter().collect();
            if aggregations.len() > 1 && chance.happens(parameters.dual_homed) {
                above.push(aggregations[chance.below(aggregations.len() - 1)]);
            }
            above.push(power);
            let router = estate.add(Class::Router, &site, &above);
            let count = 1 + chance.below(3);
            switches.push((0..count).map(|_| estate.add(Class::Switch, &site, &[router, power])).collect());
        }
        estate.fill(parameters, &switches, chance);
        estate
    }

    /// Adds hosts and services up to the target number of devices; sites differ in size.
    fn fill(&mut self, parameters: &SimulationParameters, switches: &[Vec<usize>], chance: &mut Rng) {
        let left = parameters.devices.saturating_sub(self.devices.len());
        let weights: Vec<f64> = (0..switches.len())
            .map(|site| if site == 0 { HEADQUARTERS_SHARE * switches.len() as f64 } else { chance.between(0.5, 1.5) })
            .collect();
        let mut hosts: Vec<Vec<usize>> = vec![Vec::new(); switches.len()];
        for _ in 0..((left as f64 * HOST_SHARE) as usize) {
            let site = chance.weighted(&weights);
            let Some(switch) = chance.pick(&switches[site]).copied() else { continue };
            let mut needs = vec![switch];
            needs.extend(self.devices[switch].depends_on.iter().filter(|one| self.is_power(**one)));
            let named = self.site_of(switch);
            hosts[site].push(self.add(Class::Host, &named, &needs));
        }
        let mut central: Vec<usize> = Vec::new();
        while self.devices.len() < parameters.devices {
            let site = chance.weighted(&weights);
            // Without hosts it runs on the switch, as an appliance does.
            let Some(host) = chance.pick(&hosts[site]).or(switches[site].first()).copied() else { continue };
            let mut needs = vec![host];
            if site != 0 && chance.happens(parameters.remote_services) {
                needs.extend(chance.pick(&central));
            }
            let named = self.site_of(host);
            let service = self.add(Class::Service, &named, &needs);
            if site == 0 {
                central.push(service);
            }
        }
    }

    /// An operator's inventory: all devices, but not all edges.
    pub fn inventory(&self, missing: f64, chance: &mut Rng) -> InventoryFile {
        let entry = |device: &Device, chance: &mut Rng| InventoryEntry {
            name: device.name.clone(),
            class: device.class.as_str().to_owned(),
            site: device.site.clone(),
            depends_on: device
                .depends_on
                .iter()
                .filter(|parent| !chance.happens(missing * self.obscurity(device.class, **parent)))
                .map(|parent| self.devices[*parent].name.clone())
                .collect(),
        };
        InventoryFile {
            inventory: InventoryItems { items: self.devices.iter().map(|device| entry(device, chance)).collect() },
        }
    }

    fn add(&mut self, class: Class, site: &(String, String), depends_on: &[usize]) -> usize {
        let index = self.devices.len();
        let short = match class {
            Class::Core => "core",
            Class::Aggregation => "agg",
            Class::Power => "ups",
            Class::Router => "ar",
            Class::Switch => "sw",
            Class::Host => "srv",
            Class::Service => "app",
        };
        let number = self.devices.iter().filter(|one| one.class == class && one.site == site.0).count() + 1;
        let name = format!("{}-{short}{number}", site.0.to_lowercase());
        self.devices.push(Device {
            name,
            class,
            site: site.0.clone(),
            place: site.1.clone(),
            depends_on: depends_on.to_vec(),
        });
        self.dependents.push(Vec::new());
        for parent in depends_on {
            self.dependents[*parent].push(index);
        }
        index
    }

    /// Probability factor of an unknown edge, compared with one to a host or service.
    fn obscurity(&self, class: Class, parent: usize) -> f64 {
        if class.is_network() && self.devices[parent].class.is_network() { NETWORK_OBSCURITY } else { 1.0 }
    }

    fn is_power(&self, device: usize) -> bool {
        self.devices[device].class == Class::Power
    }

    fn site_of(&self, device: usize) -> (String, String) {
        (self.devices[device].site.clone(), self.devices[device].place.clone())
    }
}

impl InventoryFile {
    /// As a rule file.
    pub fn to_yaml(&self) -> String {
        let mut text = String::from("inventory:\n  items:\n");
        for InventoryEntry { name, class, site, depends_on } in &self.inventory.items {
            let needs = depends_on.join(", ");
            let line = format!("    - {{name: {name}, class: {class}, site: {site}, depends_on: [{needs}]}}");
            writeln!(text, "{line}").expect("writing to a text does not fail");
        }
        text
    }
}
