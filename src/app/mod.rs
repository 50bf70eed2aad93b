//! The program: configuration, wiring, the one driver loop, reload, shutdown, one file per command.
//!
//! The driver alone writes.
