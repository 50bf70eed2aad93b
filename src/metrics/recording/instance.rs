//! Shows the state of this instance: holder, standby, take-overs.

use super::super::Metrics;
use crate::metrics::instance::TakeoverReason;

impl Metrics {
    /// This process took the lease.
    pub fn leads(&self, reason: Option<TakeoverReason>) {
        self.instance.is_lead.set(1);
        if let Some(reason) = reason {
            self.instance.takeovers.with_label_values(&[reason.as_str()]).inc();
        }
    }

    /// This process no longer holds the lease: another took it, or it gave it back.
    pub fn stopped_leading(&self, fenced: bool) {
        self.instance.is_lead.set(0);
        if fenced {
            self.instance.fenced.inc();
        }
    }

    /// A step of the wall clock counts from here on.
    pub fn clock_stepped(&self) {
        self.instance.clock_steps.inc();
    }

    /// By how many microseconds the wall clock is ahead of the service's time.
    pub fn clock_offset(&self, micros: i64) {
        self.instance.clock_offset.set(micros as f64 / 1e6);
    }
}
