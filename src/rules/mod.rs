//! Rule files: text in, a compiled immutable rulebook or located mistakes out.
//!
//! Must never read a file or a clock: texts are handed in, and what they compile to depends on nothing else.

mod check;
mod defaults;
mod expression;
mod extraction;
mod facts;
mod gaps;
mod grouping;
mod guard;
mod holding;
mod inventory;
mod ladder;
mod load;
mod mistake;
mod naming;
mod pattern;
mod person;
mod plan;
mod problem;
mod rulebook;
mod source;
mod spanned;
mod team;
mod test_case;

pub use check::{Finding, FindingKind, Report, report};
pub use defaults::builtin;
pub use expression::{BadExpression, Expression};
pub use extraction::{Extraction, Groups};
pub use facts::{EventText, NAMING_FACT, Normalising, SeverityWords, TEMPLATE_FACT, Table, TemplateScope, fact_named};
pub use gaps::Gaps;
pub use grouping::{Gravity, Grouping};
pub use guard::{BadGuard, Guard};
pub use holding::{Maintenance, MaintenanceTime, Storm, Through};
pub use inventory::{ConfigurationItem, ENTITY_LABELS, Inventory, ItemIndex};
pub use ladder::{Ladder, Step};
pub use load::{Loaded, load, schema};
pub use mistake::{Mistake, Place};
pub use naming::{NamingStandard, OddName, odd_names};
pub use pattern::{
    ActionAt, Actions, Capture, ContextAction, ContextChange, CountWithin, Counts, Emit, EmitKind, Flap, Group,
    GroupClass, Pattern, Rate, Semantics, Sequence, SequenceStep,
};
pub use person::{Contact, Person};
pub use plan::{Check, Comparison, Item, Limit, Plan};
pub use problem::ProblemPolicy;
pub use rulebook::{AfterHours, CATCH_ALL, Inhibition, Rule, RuleText, Rulebook, RulebookHash};
pub use source::{Format, Mapped, PayloadContext, Source, SourceMistake, SourceText};
pub use team::{Channel, Team};
pub use test_case::{Expectation, ExpectedAlert, ExpectedIncident, TestCase, TestInput, TestStep};
