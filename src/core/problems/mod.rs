//! Problems: the recurring cause behind incidents, from the n-th repeat to the confirmed fix.
//!
//! Must never read a clock, or open a second problem for a cause that has an open one.

mod commands;
mod lead_lag;
mod lifecycle;
mod monthly_digest;
mod onsets;
mod periodicity;
mod record;
mod recurrence;
mod registry;
mod similarity;
#[cfg(test)]
mod tests;

pub use commands::Regrouped;
pub use lead_lag::{CausalLink, CauseHint, LeadPosition, links};
pub use lifecycle::{Description, MOVES, Moved, ProblemRefused};
pub use monthly_digest::{CommonCause, Occurrence, commonest, draft_workaround, faults, markdown};
pub use onsets::Onset;
pub use periodicity::{Basis, Burst, EPISODES_MIN, ExpectedEpisode, Periodicity, Seasonality, collapse};
pub use record::{Problem, ProblemNote, ProblemState, ProblemTerms, Similar};
pub use recurrence::{Episode, Recurrence};
pub use registry::{IncidentSummary, KnownError, ProblemChange, ProblemEdit, ProblemRefusal, Problems};
pub use similarity::{SAME, SUGGESTED, SimilarityIndex, TermVector};
