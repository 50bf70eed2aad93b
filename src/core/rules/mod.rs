//! Rule files: text in, a compiled immutable rulebook or located diagnostics out.
//!
//! Must never read a file or a clock: texts are arguments, and the result depends on nothing else.

mod channel;
mod check;
mod compile;
mod context_guard;
mod defaults;
mod diagnostic;
mod escalation_policy;
mod event_text;
mod expression;
mod extraction;
mod fact_names;
mod facts;
mod grouping;
mod inspection_plan;
mod inventory;
mod item_index;
mod naming;
mod notify_times;
mod pattern;
mod person;
mod placeholders;
mod playbook;
mod problem;
mod roster;
mod rulebook;
mod sla_target;
mod source;
mod spelling;
mod suppression;
mod syntax;
mod team;
mod test_case;

pub use channel::{AlertmanagerWebhook, BodyFormat, CHANNEL_KINDS, Channel, RequestMethod, RequestTemplate};
pub use check::capacity::Capacity;
pub use check::missing_dependencies::MissingDependencies;
pub use check::{CheckFinding, CheckReport, FindingKind, report};
pub use compile::{Loaded, load, schema};
pub use context_guard::{ContextGuard, ParseGuardError};
pub use defaults::builtin;
pub use diagnostic::{Diagnostic, SourceLocation};
pub use escalation_policy::{DispatchMode, EscalationPolicy, EscalationStep, ManagerNotification, Recipient, StopWhen};
pub use event_text::EventText;
pub use expression::{Cost, Expression, ParseExpressionError, STEPS_MAX};
pub use extraction::{Extraction, NamedGroups};
pub use fact_names::{NAMING_FACT, TEMPLATE_FACT, fact_named};
pub use facts::{FactTable, Normalising, SeverityWords, TemplateScope};
pub use grouping::{FailureMode, Grouping};
pub use inspection_plan::{Check, ChecklistItem, Comparison, Expected, InspectionTeam, Limit, Plan, Slots};
pub use inventory::{CONTRACT_UNTIL, ConfigurationItem, ENTITY_LABELS, Inventory, contract_end};
pub use item_index::ItemIndex;
pub use naming::{NamingStandard, OddName, odd_names};
pub use notify_times::NotifyTimes;
pub use pattern::{
    ActionAt, Actions, Capture, ContextAction, ContextChange, CountWithin, Counts, Emit, EmitKind, Flap, GroupClass,
    GroupPattern, Pattern, Rate, Semantics, Sequence, SequenceStep,
};
pub use person::{Contact, LIMIT_DEFAULT, Person};
pub use placeholders::{BadPlaceholder, NoticeField, TemplatePart, is_secret_name, pieces};
pub use playbook::{Playbook, PlaybookStep};
pub use problem::ProblemPolicy;
pub use roster::{DutyHours, Layer, Roster, Turns, UnavailablePolicy, WorkedShifts};
pub use rulebook::{AfterHours, CATCH_ALL, Inhibition, RESOLVE_TIMEOUT, Rule, RuleText, Rulebook, RulebookHash};
pub use sla_target::{
    BreachReasons, Grading, Indicator, Measure, OnBreach, OutageBudget, OutageCause, Pauses, Promise, SlaTarget,
    Urgency,
};
pub use source::{
    Format, Mapped, ParseBodyError, PayloadContext, Source, SourceMistake, SourceSyntax, query_fields, utf8,
};
pub use suppression::{Maintenance, MaintenanceTime, Storm, Through};
pub use team::{DigestPolicy, Dispatch, Language, Team};
pub use test_case::{Expectation, ExpectedAlert, ExpectedIncident, TestCase, TestInput, TestStep};
