//! The compiled rulebook: what the engine runs. Immutable; equal texts give equal rulebooks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Actions, ContextGuard, Counts, EscalationPolicy, Expression, Grouping, Inventory, Maintenance, Normalising,
    NotifyTimes, Pattern, Person, Plan, Playbook, ProblemPolicy, Roster, Semantics, Source, Storm, Team, Through,
};
use crate::core::calendar::{TimeInterval, WorkCalendar};
use crate::core::model::{Matchers, Priority, Severity, TimeDelta, Timestamp};

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

/// One rule file as read: its path for diagnostics, and its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    pub path: String,
    pub text: String,
}

/// The content of all rule files, checked and compiled.
#[derive(Debug)]
pub struct Rulebook {
    pub hash: RulebookHash,
    /// Its source texts, sorted by path; stored once by hash, so that a replay can compile it again.
    pub texts: Vec<RuleText>,
    pub sources: Vec<Source>,
    pub inventory: Inventory,
    pub grouping: Grouping,
    pub normalising: Normalising,
    /// In file order; the first that owns an alert keeps it. The catch-all is not among them.
    pub rules: Vec<Rule>,
    pub inhibitions: Vec<Inhibition>,
    pub maintenance: Vec<Maintenance>,
    pub storms: Vec<Storm>,
    /// By name.
    pub time_intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// Time after its last message at which an Alertmanager's alert without an end is over.
    pub resolve_timeout: TimeDelta,
    /// By name; always holds `always`, which is 7×24.
    pub calendars: BTreeMap<String, WorkCalendar>,
    /// By name; always holds `default`.
    pub ladders: BTreeMap<String, EscalationPolicy>,
    /// By name; contains every team that an escalation policy names.
    pub teams: BTreeMap<String, Team>,
    /// By name; team members need no entry.
    pub people: BTreeMap<String, Person>,
    /// By name.
    pub rosters: BTreeMap<String, Roster>,
    /// In file order; the first that fits an incident applies.
    pub targets: Vec<super::SlaTarget>,
    pub breach_reasons: super::BreachReasons,
    pub outage_budgets: Vec<super::OutageBudget>,
    pub problems: Vec<ProblemPolicy>,
    /// By name.
    pub plans: BTreeMap<String, Plan>,
    /// By name.
    pub playbooks: BTreeMap<String, Playbook>,
}

impl Rulebook {
    /// Before the first rulebook: no rule, no escalation policy, no people.
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
            maintenance: Vec::new(),
            storms: Vec::new(),
            time_intervals: BTreeMap::new(),
            resolve_timeout: RESOLVE_TIMEOUT,
            calendars: BTreeMap::new(),
            ladders: BTreeMap::new(),
            teams: BTreeMap::new(),
            people: BTreeMap::new(),
            rosters: BTreeMap::new(),
            targets: Vec::new(),
            breach_reasons: BTreeMap::new(),
            outage_budgets: Vec::new(),
            problems: Vec::new(),
            plans: BTreeMap::new(),
            playbooks: BTreeMap::new(),
        }
    }

    /// The IANA names of all time zones that the rules use.
    pub fn zones(&self) -> BTreeSet<&str> {
        let windows = self.maintenance.iter().filter_map(|window| match &window.time {
            super::MaintenanceTime::Recurring { schedule, lasts: _ } => Some(schedule.zone()),
            super::MaintenanceTime::Once { .. } => None,
        });
        let calendars = self.calendars.values().filter_map(WorkCalendar::zone);
        let rosters = self.rosters.values().map(|roster| roster.zone_name.as_str());
        let plans = self.plans.values().map(|plan| plan.schedule.zone());
        let budgets = self.outage_budgets.iter().map(|budget| budget.zone.as_str());
        let problems = self.problems.iter().map(|policy| policy.zone.as_str());
        let intervals = self.time_intervals.values().flatten().map(TimeInterval::zone);
        windows.chain(intervals).chain(calendars).chain(rosters).chain(plans).chain(budgets).chain(problems).collect()
    }

    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// The name of the escalation policy of an incident of `rule` that opens now.
    pub fn ladder_name<'a>(&self, rule: &'a Rule, now: Timestamp) -> &'a str {
        let is_closed = |after: &&AfterHours| self.calendars.get(&after.calendar).is_some_and(|it| !it.is_open(now));
        rule.after_hours.as_ref().filter(is_closed).map_or(&rule.ladder, |after| &after.ladder)
    }

    /// True if a person of that name has an entry, is in a team, or on an on-call schedule.
    pub fn names(&self, person: &str) -> bool {
        self.people.contains_key(person)
            || self.teams.values().any(|team| team.members.iter().any(|member| member == person))
            || self.rosters.values().any(|roster| roster.people().any(|name| name == person))
    }

    /// Every person with an entry, in a team, or on an on-call schedule.
    pub fn everybody(&self) -> BTreeSet<&str> {
        let members = self.teams.values().flat_map(|team| team.members.iter().map(String::as_str));
        let on_rosters = self.rosters.values().flat_map(Roster::people);
        self.people.keys().map(String::as_str).chain(members).chain(on_rosters).collect()
    }

    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// The escalation policy of that name, else `default`, else one without steps (a rulebook made by hand in a test).
    pub fn ladder(&self, name: &str) -> Option<&EscalationPolicy> {
        self.ladders.get(name).or_else(|| self.ladders.get("default"))
    }
}

/// An Alertmanager's `resolve_timeout` unless the rules give another.
pub const RESOLVE_TIMEOUT: TimeDelta = TimeDelta::from_minutes(5);

/// The name of the rule that takes alerts that no other rule owns.
pub const CATCH_ALL: &str = "catch-all";

/// One correlation rule.
#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    /// Over the labels as sent; the names `@severity`, `@source` and `@status` mean the normalised words.
    pub matchers: Matchers,
    /// What fits any of these does not match.
    pub unless: Vec<Matchers>,
    pub when: Option<Expression>,
    /// The labels whose values make the key; empty: one key for all, except for `each` without `one_group`, where it is
    /// the alert itself.
    pub by: Vec<String>,
    /// True if `by` is given as empty: one key for all.
    pub one_group: bool,
    pub pattern: Pattern,
    pub counts: Counts,
    pub semantics: Semantics,
    /// Evaluated after matchers and `when`; if it does not hold, there is no match.
    pub guard: Option<ContextGuard>,
    pub actions: Actions,
    /// False: it only acts (contexts, derived events); the desk never sees it.
    pub opens_incident: bool,
    /// True if later rules see the event too (they open incidents; this one records a link only).
    pub continues: bool,
    /// The reason why this rule may keep alerts for good; `None`: they go on to the next rule after `otherwise_after`.
    pub because: Option<String>,
    /// With `{label}` places filled from the firing event, `{count}` from the window; empty: the alert's own summary.
    pub title: String,
    /// Overrides the worst severity of the alerts.
    pub severity: Option<Severity>,
    /// Overrides the priority that follows from the severity.
    pub priority: Option<Priority>,
    /// The name of its incidents' escalation policy.
    pub ladder: String,
    /// The escalation policy outside a calendar's hours.
    pub after_hours: Option<AfterHours>,
    /// True if its incidents send pages.
    pub pages: bool,
    /// When they do.
    pub notify_times: NotifyTimes,
    /// Whether people are told of alerts that join an acknowledged incident; `None`: by its priority.
    pub tells_new_alerts: Option<bool>,
    pub runbook: Option<String>,
    /// The name of its incidents' playbook.
    pub playbook: Option<String>,
    /// Delay of the first notification, in which a cause may explain the incident.
    pub settle: TimeDelta,
    /// Time for which all alerts must be clear before the incident resolves by itself.
    pub resolve_after: TimeDelta,
    /// Time after resolution at which it closes without a person; `None`: only a person closes.
    pub close_after: Option<TimeDelta>,
    /// Time after resolution in which the same key reopens it instead of opening a new one.
    pub reopen_within: TimeDelta,
    /// For events without a clear of their own (points): clear after that long without a match.
    pub quiet: Option<TimeDelta>,
    /// Time for which the rule may own a firing alert without firing, before the next rule gets it.
    pub otherwise_after: TimeDelta,
    /// True if its alerts may share an incident with those of other rules.
    pub groups: bool,
    /// Class, impact and urgency, outage.
    pub grading: super::Grading,
    /// Over everything that decides the meaning of its windows; if equal after a reload, the windows survive.
    pub shape: u64,
}

/// The escalation policy of incidents that open while a calendar is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterHours {
    pub calendar: String,
    pub ladder: String,
}

impl Rule {
    /// True if its incidents can be P1: by its priority, by impact and urgency at any hour, or by its severity.
    pub fn can_be_urgent(&self) -> bool {
        if let Some(priority) = self.priority {
            return priority == Priority::P1;
        }
        let graded = self.grading.priorities();
        if !graded.is_empty() {
            return graded.contains(&Priority::P1);
        }
        self.severity.is_none_or(|severity| Priority::from_severity(severity) == Priority::P1)
    }
}

/// Alertmanager's inhibition: a firing source suppresses its targets with equal values of `equal`; or, `through` the
/// topology, the targets on items that depend on the source's item.
#[derive(Debug, Clone)]
pub struct Inhibition {
    pub name: String,
    pub source: Matchers,
    pub target: Matchers,
    pub equal: Vec<String>,
    pub through: Option<Through>,
}
