//! The doors, driven by requests against a real SQLite store that was filled by committing hand-made effects, with a
//! driver that answers commands as a test tells it to.

mod access;
mod ack;
mod house;
mod rest;
mod samples;
mod stream;
mod v2;
