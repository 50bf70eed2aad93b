//! Template mining: free texts (log lines, traps) by their constant sentence, without the variable parts.
//!
//! Drain, with one configuration for all logs: [`mask`] removes values by their form, [`drain`] finds variable words by
//! comparison. An id is the hash of a template's first text, so a replay and another node name it alike, and a line's
//! id depends on the lines before it only. Pure; must never keep more than [`TEMPLATES_MAX`] templates.

mod drain;
mod mask;

pub(super) use drain::Templates;
pub use drain::{TEMPLATES_MAX, TemplateId};

#[cfg(test)]
mod tests;
