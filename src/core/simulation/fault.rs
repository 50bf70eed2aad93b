//! One planned fault.

use super::alarm::Mode;
use super::stream::AlarmCause;

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    pub cause: AlarmCause,
    pub root: usize,
    pub mode: Mode,
    /// Seconds since the start, and the time until its repair.
    pub at: f64,
    pub lasts: f64,
}
