//! Parameters: the size of the estate, its fault rates, and the quality of its reports.

use std::fmt;

use serde::Serialize;

use super::rng::Rng;

/// Difficulty of the simulated day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// A quiet day: 6 faults, 20 unrelated alarms and 1 flap an hour, 1 storm.
    Light,
    /// A bad day: 40 faults, 150 unrelated alarms and 4 flaps an hour, 8 storms.
    Heavy,
}

impl Preset {
    pub const ALL: [Preset; 2] = [Preset::Light, Preset::Heavy];

    pub const fn as_str(self) -> &'static str {
        match self {
            Preset::Light => "light",
            Preset::Heavy => "heavy",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Shares are of 1, times in seconds, rates per hour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulationParameters {
    pub preset: Preset,
    pub hours: u32,
    pub devices: usize,
    pub sites: usize,
    /// Of the sites' routers, with a second way up.
    pub dual_homed: f64,
    /// Of the services, with a dependency on a service at headquarters.
    pub remote_services: f64,
    pub faults: f64,
    /// Of the faults, followed within three minutes by an independent one at the same site.
    pub coincident: f64,
    /// Share of faults that degrade instead of kill: fewer devices follow, under other names.
    pub degraded: f64,
    /// Roots that fail again and again, each with its own period. Their faults are among `faults`.
    pub recurring: usize,
    pub noise: f64,
    /// Of the noise, on a device that a cascade has just hit.
    pub noise_near: f64,
    /// Of the noise, under a name that cascades use too.
    pub noise_alike: f64,
    pub flaps: f64,
    /// In the whole run, however long.
    pub storms: usize,
    /// Alarms of one storm.
    pub storm_alarms: usize,
    /// Mean time from a device to its dependents.
    pub hop_delay: f64,
    /// Mean detection time of a device that reports its own state.
    pub detection: f64,
    /// Share of conditions that only a poll sees, at some time within its period.
    pub polled: f64,
    pub poll_period: f64,
    /// Share of symptoms seen only minutes later.
    pub stragglers: f64,
    /// Share of a dead device's dependents that fail with it.
    pub spread: f64,
    /// Share of alarms lost on their way, the root's like any other.
    pub drops: f64,
    /// Of the events, sent twice.
    pub duplicates: f64,
    /// Mean transport time, which brings events out of order.
    pub transport: f64,
    /// Deviation of the devices' clocks.
    pub skew: f64,
    /// Share of devices with a clock ten times as wrong, at most 20 s.
    pub bad_clocks: f64,
    /// Share of edges unknown to the inventory; between network devices a quarter of that, because they announce each
    /// other.
    pub missing_edges: f64,
    /// Mean time to repair, beyond the five minutes of every repair.
    pub repair: f64,
}

impl SimulationParameters {
    pub fn of(preset: Preset, hours: u32) -> SimulationParameters {
        let light = SimulationParameters {
            preset,
            hours,
            devices: 305,
            sites: 18,
            dual_homed: 0.15,
            remote_services: 0.25,
            faults: 6.0,
            coincident: 0.05,
            degraded: 0.25,
            recurring: 2,
            noise: 20.0,
            noise_near: 0.10,
            noise_alike: 0.25,
            flaps: 1.0,
            storms: 1,
            storm_alarms: 250,
            hop_delay: 4.0,
            detection: 3.0,
            polled: 0.5,
            poll_period: 60.0,
            stragglers: 0.02,
            spread: 0.92,
            drops: 0.05,
            duplicates: 0.02,
            transport: 0.5,
            skew: 0.5,
            bad_clocks: 0.02,
            missing_edges: 0.04,
            repair: 1200.0,
        };
        match preset {
            Preset::Light => light,
            Preset::Heavy => SimulationParameters {
                faults: 40.0,
                coincident: 0.10,
                recurring: 5,
                noise: 150.0,
                flaps: 4.0,
                storms: 8,
                hop_delay: 6.0,
                detection: 5.0,
                polled: 0.6,
                stragglers: 0.03,
                drops: 0.08,
                duplicates: 0.04,
                transport: 1.0,
                skew: 1.0,
                bad_clocks: 0.04,
                missing_edges: 0.06,
                ..light
            },
        }
    }

    /// Another estate and day of the same kind. Devices, rates and the number of storms are unchanged.
    pub fn varied(self, chance: &mut Rng) -> SimulationParameters {
        let mut around = |value: f64| value * chance.between(0.6, 1.5);
        let varied = SimulationParameters {
            dual_homed: around(self.dual_homed),
            remote_services: around(self.remote_services),
            coincident: around(self.coincident),
            degraded: around(self.degraded),
            noise_near: around(self.noise_near),
            noise_alike: around(self.noise_alike),
            storm_alarms: around(self.storm_alarms as f64) as usize,
            hop_delay: around(self.hop_delay),
            detection: around(self.detection),
            poll_period: around(self.poll_period),
            stragglers: around(self.stragglers),
            drops: around(self.drops),
            duplicates: around(self.duplicates),
            transport: around(self.transport),
            skew: around(self.skew),
            bad_clocks: around(self.bad_clocks),
            missing_edges: around(self.missing_edges),
            repair: around(self.repair),
            ..self
        };
        SimulationParameters {
            sites: varied.sites - 4 + chance.below(9),
            spread: chance.between(0.85, 0.98),
            polled: chance.between(0.4, 0.7),
            recurring: varied.recurring + chance.below(3),
            ..varied
        }
    }
}
