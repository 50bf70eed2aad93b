//! The JSON Schema of rule files, for editors, made from the types that read them: no key can be in one and not in the
//! other. Here are the closed sets and spellings that those types hold as texts.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::core::model::{Priority, Severity, Status, Tier};
use crate::core::rules::{Dispatch, DispatchMode, Language, RequestMethod, StopWhen, Turns, UnavailablePolicy};

/// Types without values: each is the spelling of a text, named by `#[schemars(with = "…")]` at the fields that hold it.
macro_rules! spellings {
    ($($(#[$doc:meta])* $name:ident => $schema:expr;)*) => {$(
        $(#[$doc])*
        pub(in crate::core::rules) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

spellings! {
    /// A duration; a plain 0 is one too.
    LengthOfTime => json_schema!({
        "type": ["string", "integer"],
        "pattern": r"^\s*(0|([0-9]+(w|d|h|m|s|ms))+)\s*$",
        "minimum": 0,
        "maximum": 0,
        "examples": ["30s", "5m", "1h30m", "7d"],
    });
    SeverityWord => words(&Severity::ALL.map(Severity::as_str));
    PriorityWord => words(&Priority::ALL.map(Priority::as_str));
    /// Types without values: each is the spelling of a text, used by `#[schemars(with = "…")]` at the fields that
    /// contain it.
    WorkingTime => json_schema!({
        "type": "string",
        "pattern": r"^\s*([0-9]+wd)?([0-9]+(w|d|h|m|s|ms))*\s*$",
        "examples": ["8h", "2wd", "1wd4h"],
    });
    ClassWord => words(&crate::core::model::Class::ALL.map(crate::core::model::Class::as_str));
    LevelWord => words(&crate::core::model::Level::ALL.map(crate::core::model::Level::as_str));
    PartyWord => words(&crate::core::model::CauseParty::ALL.map(crate::core::model::CauseParty::as_str));
    OnBreachWord => words(&crate::core::rules::OnBreach::ALL.map(crate::core::rules::OnBreach::as_str));
    MeasureWord => words(&["response", "resolution", "first_fix", "reopened", "contact"]);
    StatusWord => words(&[Status::Firing, Status::Resolved, Status::Point].map(Status::as_str));
    /// Allowed statuses of an emitted event.
    MadeStatusWord => words(&["firing", "point"]);
    StateWord => words(&STATES);
    TierNumber => json_schema!({"type": "integer", "enum": Tier::ALL.map(Tier::number)});
    StepKindWord => words(&DispatchMode::ALL.map(DispatchMode::as_str));
    StopWord => words(&StopWhen::ALL.map(StopWhen::as_str));
    PeriodWord => words(&PERIODS.map(|(word, _)| word));
    DayWord => words(&DAYS);
    OtherwiseWord => words(&UnavailablePolicy::ALL.map(UnavailablePolicy::as_str));
    TurnsWord => words(&Turns::WORDS);
    DispatchWord => words(&Dispatch::ALL.map(Dispatch::as_str));
    CountedWord => words(&["transitions", "message"]);
    SemanticsWord => words(&["sec"]);
    FlapModeWord => words(&["time", "nagios", "icinga"]);
    ActionTimeWord => words(&["fire", "clear"]);
    ThroughWord => words(&["depends_on"]);
    LanguageWord => words(&Language::ALL.map(Language::as_str));
    MethodWord => words(&RequestMethod::ALL.map(RequestMethod::as_str));
    FormatWord => words(&crate::core::rules::Format::ALL.map(crate::core::rules::Format::as_str));
    WebhookFormatWord => words(&["watchfire", "alertmanager"]);
    SpellingWord => words(&["lenient", "exact"]);
    SplitWord => words(&["whole", "lines", "syslog"]);
    SourceName => json_schema!({"type": "string", "pattern": "^[a-z0-9._-]+$"});
    /// Selects a text of an event.
    TextOfEvent => json_schema!({
        "type": "string",
        "pattern": r"^(summary|labels\..+|annotations\..+)$",
        "examples": ["summary", "labels.message", "annotations.description"],
    });
    Url => json_schema!({"type": "string", "pattern": r"^https?://[^/?#\s]"});
    Address => json_schema!({"type": "string", "pattern": r"^\S+:[0-9]+$", "examples": ["10.0.0.5:5432"]});
    Limit => json_schema!({"type": "string", "pattern": r"^\s*(>=|<=|>|<)\s*\S", "examples": ["> 0.9", "< 1"]});
}

fn words(words: &[&str]) -> Schema {
    json_schema!({"type": "string", "enum": words})
}

pub(in crate::core::rules) const STATES: [&str; 8] =
    ["new", "assigned", "in_progress", "pending", "resolved", "closed", "merged", "cancelled"];

/// Number of times per year for each word.
pub(in crate::core::rules) const PERIODS: [(&str, u64); 4] =
    [("year", 1), ("half-year", 2), ("quarter", 4), ("month", 12)];

/// As files spell them, Monday first.
pub(in crate::core::rules) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
