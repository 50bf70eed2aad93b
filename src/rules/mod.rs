//! Rule files: text in, a compiled immutable rulebook or located mistakes out.
//!
//! Must never read a file or a clock: texts are handed in, and what they compile to depends on nothing else.

mod capacity;
mod channel;
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
mod places;
mod plan;
mod playbook;
mod problem;
mod roster;
mod rulebook;
mod source;
mod spanned;
mod target;
mod team;
mod test_case;

pub use capacity::Capacity;
pub use channel::{CHANNEL_KINDS, Channel, RequestMethod, RequestTemplate};
pub use check::{Finding, FindingKind, Report, report};
pub use defaults::builtin;
pub use expression::{BadExpression, Expression};
pub use extraction::{Extraction, Groups};
pub use facts::{EventText, NAMING_FACT, Normalising, SeverityWords, TEMPLATE_FACT, Table, TemplateScope, fact_named};
pub use gaps::Gaps;
pub use grouping::{Gravity, Grouping};
pub use guard::{BadGuard, Guard};
pub use holding::{Maintenance, MaintenanceTime, Storm, Through};
pub use inventory::{CONTRACT_UNTIL, ConfigurationItem, ENTITY_LABELS, Inventory, ItemIndex, contract_end};
pub use ladder::{DispatchKind, Hierarchical, Ladder, Step, StopWhen, Told};
pub use load::{Loaded, load, schema};
pub use mistake::{Mistake, Place};
pub use naming::{NamingStandard, OddName, odd_names};
pub use pattern::{
    ActionAt, Actions, Capture, ContextAction, ContextChange, CountWithin, Counts, Emit, EmitKind, Flap, Group,
    GroupClass, Pattern, Rate, Semantics, Sequence, SequenceStep,
};
pub use person::{Contact, LIMIT_DEFAULT, Person};
pub use places::{BadPlace, NoticeField, Piece, is_secret_name, pieces};
pub use plan::{Check, Comparison, Crew, Expected, Item, Limit, Plan, Slots};
pub use playbook::{Playbook, PlaybookStep};
pub use problem::ProblemPolicy;
pub use roster::{DutyHours, Layer, Otherwise, Roster};
pub use rulebook::{AfterHours, CATCH_ALL, Inhibition, Rule, RuleText, Rulebook, RulebookHash};
pub use source::{Format, Mapped, PayloadContext, Source, SourceMistake, SourceText};
pub use target::{
    BreachReasons, Grading, Indicator, Measure, OnBreach, OutageBudget, OutageCause, Pauses, Promise, Target, Urgency,
};
pub use team::{DigestPolicy, Dispatch, Language, Team};
pub use test_case::{Expectation, ExpectedAlert, ExpectedIncident, TestCase, TestInput, TestStep};
