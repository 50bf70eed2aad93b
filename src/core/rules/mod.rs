//! Rule files: text in, a compiled immutable rulebook or located mistakes out.
//!
//! Must never read a file or a clock: texts are handed in, and what they compile to depends on nothing else.

mod channel;
mod check;
mod compile;
mod context_guard;
mod defaults;
mod diagnostic;
mod escalation_policy;
mod expression;
mod extraction;
mod facts;
mod grouping;
mod inspection_plan;
mod inventory;
mod naming;
mod pattern;
mod person;
mod placeholders;
mod playbook;
mod problem;
mod roster;
mod rulebook;
mod sla_target;
mod source;
mod suppression;
mod syntax;
mod team;
mod test_case;

pub use channel::{CHANNEL_KINDS, Channel, RequestMethod, RequestTemplate};
pub use check::capacity::Capacity;
pub use check::missing_dependencies::Gaps;
pub use check::{Finding, FindingKind, Report, report};
pub use compile::{Loaded, load, schema};
pub use context_guard::{BadGuard, Guard};
pub use defaults::builtin;
pub use diagnostic::{Mistake, Place};
pub use escalation_policy::{DispatchKind, Hierarchical, Ladder, Step, StopWhen, Told};
pub use expression::{BadExpression, Expression};
pub use extraction::{Extraction, Groups};
pub use facts::{EventText, NAMING_FACT, Normalising, SeverityWords, TEMPLATE_FACT, Table, TemplateScope, fact_named};
pub use grouping::{Gravity, Grouping};
pub use inspection_plan::{Check, Comparison, Crew, Expected, Item, Limit, Plan, Slots};
pub use inventory::{CONTRACT_UNTIL, ConfigurationItem, ENTITY_LABELS, Inventory, ItemIndex, contract_end};
pub use naming::{NamingStandard, OddName, odd_names};
pub use pattern::{
    ActionAt, Actions, Capture, ContextAction, ContextChange, CountWithin, Counts, Emit, EmitKind, Flap, Group,
    GroupClass, Pattern, Rate, Semantics, Sequence, SequenceStep,
};
pub use person::{Contact, LIMIT_DEFAULT, Person};
pub use placeholders::{BadPlace, NoticeField, Piece, is_secret_name, pieces};
pub use playbook::{Playbook, PlaybookStep};
pub use problem::ProblemPolicy;
pub use roster::{DutyHours, Layer, Otherwise, Roster};
pub use rulebook::{AfterHours, CATCH_ALL, Inhibition, Rule, RuleText, Rulebook, RulebookHash};
pub use sla_target::{
    BreachReasons, Grading, Indicator, Measure, OnBreach, OutageBudget, OutageCause, Pauses, Promise, Target, Urgency,
};
pub use source::{Format, Mapped, PayloadContext, Source, SourceMistake, SourceText};
pub use suppression::{Maintenance, MaintenanceTime, Storm, Through};
pub use team::{DigestPolicy, Dispatch, Language, Team};
pub use test_case::{Expectation, ExpectedAlert, ExpectedIncident, TestCase, TestInput, TestStep};
