//! The whole engine on virtual time: random inputs against its promises, and scenarios from events to incidents.

mod clock;
mod generator;
mod golden;
mod kill_points;
mod properties;
mod scenarios;
mod silence_once;
mod stage;
mod toy_store;
