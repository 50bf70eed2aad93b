//! The normalising parts of a rulebook, prepared for use on every event.

use crate::core::correlation::matcher_index::MatcherIndex;
use crate::core::rules::Rulebook;

/// Indexes of the events that extractions and severity words apply to.
pub(crate) struct Enrichment {
    pub(super) extractions: MatcherIndex,
    pub(super) severities: MatcherIndex,
    /// True if the inventory is the only source of facts.
    pub(super) is_plain: bool,
}

impl Enrichment {
    pub fn new(rulebook: &Rulebook) -> Enrichment {
        let of = &rulebook.normalising;
        let extractions = of.extractions.iter().zip(0_u32..).map(|(one, number)| (number, &one.matchers));
        let severities = of.severities.iter().zip(0_u32..).map(|(one, number)| (number, &one.matchers));
        Enrichment {
            is_plain: of.naming.is_empty()
                && of.extractions.is_empty()
                && of.tables.is_empty()
                && of.templates.is_empty(),
            extractions: MatcherIndex::new(extractions),
            severities: MatcherIndex::new(severities),
        }
    }
}
