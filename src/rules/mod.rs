//! Rule files: text in, a compiled immutable rulebook or located mistakes out.
//!
//! Must never read a file or a clock: texts are handed in, and what they compile to depends on nothing else.

mod check;
mod defaults;
mod expression;
mod extraction;
mod facts;
mod inventory;
mod load;
mod mistake;
mod naming;
mod rulebook;
mod source;
mod test_case;

pub use check::{Finding, FindingKind, Report, report};
pub use defaults::builtin;
pub use expression::{BadExpression, Expression};
pub use extraction::{Extraction, Groups};
pub use facts::{EventText, NAMING_FACT, Normalising, SeverityWords, TEMPLATE_FACT, Table, TemplateScope, fact_named};
pub use inventory::{ConfigurationItem, ENTITY_LABELS, Inventory, ItemIndex};
pub use load::{Loaded, load};
pub use mistake::{Mistake, Place};
pub use naming::{NamingStandard, OddName, odd_names};
pub use rulebook::{
    CATCH_ALL, Channel, Check, Comparison, Counts, Inhibition, Item, Ladder, Limit, Pattern, Plan, ProblemPolicy, Rule,
    RuleText, Rulebook, RulebookHash, Step, Team,
};
pub use source::{Format, Mapped, PayloadContext, Source, SourceMistake, SourceText};
pub use test_case::{Expectation, ExpectedAlert, ExpectedIncident, TestCase, TestInput, TestStep};
