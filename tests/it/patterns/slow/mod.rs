//! The slow judges of what patterns mean: obvious, and from the beginning of the case each time.

mod operation;
pub mod sec;
mod window;
pub mod world;
