//! Alerts: deduplication, transitions, enrichment with facts, and the rule that owns each.

pub(super) mod alert;
pub(super) mod dedup;
pub(super) mod enrich;
pub(super) mod enrichment;
pub(super) mod nonconforming_names;
pub(super) mod routing;
pub(super) mod transitions;
