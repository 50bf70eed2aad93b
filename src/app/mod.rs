//! The program: configuration, wiring, the one driver loop, reload, shutdown, one file per command.
//!
//! The driver alone writes.

mod block;
mod check;
mod clock;
mod config;
mod driver;
mod logging;
mod recover;
mod replay;
mod rule_files;
mod serve;
mod snapshots;
mod table;
mod token;
