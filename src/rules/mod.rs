//! Rule files: text in, a compiled immutable rulebook or located mistakes out.
//!
//! Must never read a file or a clock: texts are handed in, and what they compile to depends on nothing else.

mod check;
mod defaults;
mod expression;
mod load;
mod mistake;
mod rulebook;
mod source;
mod source_compile;
mod source_map;
mod source_raw;
mod source_text;
mod source_time;
mod source_topic;

pub use check::{Report, report};
pub use defaults::builtin;
pub use expression::{BadExpression, Expression};
pub use load::{Loaded, load};
pub use mistake::Mistake;
pub use rulebook::{
    CATCH_ALL, Channel, Check, Comparison, Counts, Inhibition, Item, Ladder, Limit, Pattern, Plan, ProblemPolicy, Rule,
    RuleText, Rulebook, RulebookHash, Step, Team,
};
pub use source::{Format, Source, SourceMistake};
pub use source_map::{Mapped, PayloadContext};
pub use source_text::SourceText;
