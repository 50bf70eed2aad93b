//! The slow judge of what patterns mean: obvious, from the beginning of the case each time.

pub mod sec;
