//! The seam between a correlator and the desk: plain data, a closed set, an input of partition 64.

pub use crate::core::correlation::{
    AlertLink, CountedEvent, Decision, GroupingDecision, LinkKind, Member, Raised, Verdict,
};
