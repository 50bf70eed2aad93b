//! Rule files: text in, a compiled immutable rulebook or located mistakes out.
//!
//! Must never read a file or a clock: texts are handed in, and what they compile to depends on nothing else.

mod check;
mod defaults;
mod expression;
mod holding;
mod inventory;
mod load;
mod mistake;
mod rulebook;
mod source;

pub use check::{Report, report};
pub use defaults::builtin;
pub use expression::{BadExpression, Expression};
pub use holding::{Maintenance, MaintenanceTime, Storm, Through};
pub use inventory::{ConfigurationItem, ENTITY_LABELS, Inventory, ItemIndex};
pub use load::{Loaded, load};
pub use mistake::Mistake;
pub use rulebook::{
    CATCH_ALL, Channel, Check, Comparison, Counts, Inhibition, Item, Ladder, Limit, Pattern, Plan, ProblemPolicy, Rule,
    RuleText, Rulebook, RulebookHash, Step, Team,
};
pub use source::{Format, Mapped, PayloadContext, Source, SourceMistake, SourceText};
