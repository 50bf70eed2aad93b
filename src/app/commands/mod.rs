//! One file or folder for each command of the command line.

pub(super) mod archive;
pub(super) mod backup;
pub(super) mod check;
pub(super) mod database;
pub(super) mod demo;
pub(super) mod explain;
pub(super) mod import;
pub(super) mod problems;
pub(super) mod replay;
pub(super) mod report;
pub(super) mod schema;
pub(super) mod score;
pub(super) mod send;
pub(super) mod simulate;
pub(super) mod simulate_year;
pub(super) mod test;
pub(super) mod token;
pub(super) mod verify;
