//! The users' documents, row by row: each test carries the number of the row that it shows, as `row_02_…`.
//!
//! `tests/requirements.md` lists all 77 rows. Most run the composed engine on virtual time ([`centre`]); what crosses a
//! border runs against the service.

mod audit;
mod calendars;
mod centre;
mod figures;
mod inspections;
mod normalising;
mod notices;
mod problems;
mod rosters;
mod table;
mod targets;
mod tiers;
