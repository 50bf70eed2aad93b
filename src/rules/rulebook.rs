//! The compiled rulebook: what the engine runs. Immutable; equal texts give equal rulebooks.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Actions, Counts, Expression, Grouping, Guard, Inventory, Normalising, Pattern, Semantics, Source};
use crate::calendar::Schedule;
use crate::model::{Matchers, Priority, Severity, Span, Tier};

/// SHA-256 over the rule files' paths and texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RulebookHash(pub [u8; 32]);

impl fmt::Display for RulebookHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RulebookHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One rule file as it was read: the path that mistakes name, and the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    pub path: String,
    pub text: String,
}

/// Everything the rule files say, checked and compiled.
#[derive(Debug)]
pub struct Rulebook {
    pub hash: RulebookHash,
    /// What it was made from, sorted by path; stored once by hash, so that a replay can compile it again.
    pub texts: Vec<RuleText>,
    pub sources: Vec<Source>,
    pub inventory: Inventory,
    pub grouping: Grouping,
    pub normalising: Normalising,
    /// In file order; the first that owns an alert keeps it. The catch-all is not among them.
    pub rules: Vec<Rule>,
    pub inhibitions: Vec<Inhibition>,
    /// By name; always holds `default`.
    pub ladders: BTreeMap<String, Ladder>,
    /// By name; holds every team that a ladder names.
    pub teams: BTreeMap<String, Team>,
    pub problems: Vec<ProblemPolicy>,
    /// By name.
    pub plans: BTreeMap<String, Plan>,
}

impl Rulebook {
    /// Before the first rulebook: no rule, no ladder, nobody.
    pub fn empty() -> Rulebook {
        Rulebook {
            hash: RulebookHash([0; 32]),
            texts: Vec::new(),
            sources: Vec::new(),
            inventory: Inventory::default(),
            grouping: Grouping::default(),
            normalising: Normalising::default(),
            rules: Vec::new(),
            inhibitions: Vec::new(),
            ladders: BTreeMap::new(),
            teams: BTreeMap::new(),
            problems: Vec::new(),
            plans: BTreeMap::new(),
        }
    }

    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// The ladder of that name, else `default`, else one without steps (a rulebook made by hand in a test).
    pub fn ladder(&self, name: &str) -> Option<&Ladder> {
        self.ladders.get(name).or_else(|| self.ladders.get("default"))
    }
}

/// The name of the rule that takes what no rule owns.
pub const CATCH_ALL: &str = "catch-all";

/// One correlation rule.
#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    /// On the labels as sent; the names `@severity`, `@source` and `@status` mean the normalised words.
    pub matchers: Matchers,
    pub when: Option<Expression>,
    /// The labels whose values make the key; empty: one key for all, except for `each`, where it is the alert itself.
    pub by: Vec<String>,
    pub pattern: Pattern,
    pub counts: Counts,
    pub semantics: Semantics,
    /// Asked after matchers and `when`; does not hold: no match.
    pub guard: Option<Guard>,
    pub actions: Actions,
    /// False: it only acts (contexts, derived events); the desk never hears of it.
    pub opens_incident: bool,
    /// Whether later rules see the event too (they open incidents; this one records a link only).
    pub continues: bool,
    /// Why this rule may hold alerts back for good; `None`: they go on to the next rule after `otherwise_after`.
    pub because: Option<String>,
    /// With `{label}` places filled from the firing event, `{count}` from the window; empty: the alert's own summary.
    pub title: String,
    /// Overrides the worst severity of the alerts.
    pub severity: Option<Severity>,
    /// Overrides the priority that follows from the severity.
    pub priority: Option<Priority>,
    /// The name of the ladder that its incidents climb.
    pub ladder: String,
    /// Whether its incidents page anybody.
    pub pages: bool,
    pub runbook: Option<String>,
    /// How long the first notice waits for a cause that explains the incident.
    pub settle: Span,
    /// How long everything must be clear before the incident resolves by itself.
    pub resolve_after: Span,
    /// How long after resolving it is closed without a person; `None`: only a person closes.
    pub close_after: Option<Span>,
    /// How long after resolving the same key reopens it instead of opening a new one.
    pub reopen_within: Span,
    /// For what has no clear of its own (points): clear after that long without a match.
    pub quiet: Option<Span>,
    /// How long a firing alert may be held before the next rule gets it.
    pub otherwise_after: Span,
    /// Whether its alerts may be one incident with those of other rules.
    pub groups: bool,
    /// Over everything that decides what its windows mean; equal across a reload: the windows live on.
    pub shape: u64,
}

/// Alertmanager's inhibition: a firing source holds back its targets with equal values of `equal`.
#[derive(Debug, Clone)]
pub struct Inhibition {
    pub name: String,
    pub source: Matchers,
    pub target: Matchers,
    pub equal: Vec<String>,
}

/// Who gets an incident, by when: its steps in the order of the tiers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    pub name: String,
    pub steps: Vec<Step>,
}

/// One rung. All spans are wall time, counted from when the step was really entered.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub tier: Tier,
    pub team: String,
    /// Unacknowledged for that long: on to the next step.
    pub respond_by: Span,
    /// Pages again that often until somebody acknowledges.
    pub page_every: Span,
    /// Acknowledged but unresolved for that long: paged once more `page_every` before, then on to the next step.
    pub resolve_by: Option<Span>,
}

/// People who take work together, and how they are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Team {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
    pub channels: Vec<Channel>,
}

impl Team {
    /// A step whose team nobody is in and nothing reaches is skipped at once.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.channels.is_empty()
    }
}

/// A way to tell a team.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Channel {
    /// POST of the notice as JSON.
    Webhook { url: String },
    /// A message on that topic; `{id}` becomes the incident's id.
    Mqtt { topic: String },
}

/// When incidents become a problem: the `count`-th of one fingerprint inside `within`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemPolicy {
    pub name: String,
    /// On the incident's labels and `rule`.
    pub matchers: Matchers,
    pub count: u32,
    pub within: Span,
    /// Who reviews it; second line.
    pub team: String,
}

/// An inspection checklist on a schedule.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    pub title: String,
    pub schedule: Schedule,
    pub team: String,
    pub items: Vec<Item>,
    /// From its scheduled time: not finished by then is overdue.
    pub due_within: Span,
    /// From its scheduled time: not finished by then is missed.
    pub missed_after: Span,
    /// Whether a person must sign the finished run.
    pub sign_off: bool,
}

/// One check of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub name: String,
    pub title: String,
    pub check: Check,
    /// What a failure is worth.
    pub severity: Severity,
    /// Labels of the event that a failure becomes.
    pub labels: crate::model::Labels,
}

/// How an item is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Check {
    /// By a person; `evidence`: a text or link must come with the result.
    Manual { evidence: bool },
    /// GET answers with `status` (any 2xx when unset) and holds `contains`.
    Http { url: String, status: Option<u16>, contains: Option<String>, timeout: Span },
    /// A connection opens.
    Tcp { address: String, timeout: Span },
    /// The certificate there lives longer than the spans.
    Tls { address: String, warn_below: Span, fail_below: Span, timeout: Span },
    /// An instant query against a Prometheus; compared with the limits, worst sample counts; no sample fails.
    Promql { server: String, query: String, warn: Option<Limit>, fail: Option<Limit>, timeout: Span },
    /// A message on that topic comes within the time.
    Mqtt { topic: String, within: Span },
}

impl Check {
    pub const fn is_manual(&self) -> bool {
        match self {
            Check::Manual { .. } => true,
            Check::Http { .. } | Check::Tcp { .. } | Check::Tls { .. } | Check::Promql { .. } | Check::Mqtt { .. } => {
                false
            }
        }
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Check::Manual { .. } => "manual",
            Check::Http { .. } => "http",
            Check::Tcp { .. } => "tcp",
            Check::Tls { .. } => "tls",
            Check::Promql { .. } => "promql",
            Check::Mqtt { .. } => "mqtt",
        }
    }
}

/// A bound that a measured value breaks, written `> 0.9`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    pub comparison: Comparison,
    pub value: f64,
}

impl Limit {
    pub fn is_broken_by(self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.value,
            Comparison::AtLeast => value >= self.value,
            Comparison::Below => value < self.value,
            Comparison::AtMost => value <= self.value,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}
