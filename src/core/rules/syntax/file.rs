//! Rule files as they are spelled: every value that can be wrong keeps its place in the file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::calendar::{AfterHoursSyntax, CalendarSyntax};
use super::escalation_policy::LadderSyntax;
use super::grouping::GroupingSyntax;
use super::inspection_plan::{ChecklistSyntax, PlanSyntax};
use super::inventory::InventorySyntax;
use super::json_schema::{
    ClassWord, CountedWord, LengthOfTime, LevelWord, PriorityWord, SemanticsWord, SeverityWord, ThroughWord,
};
use super::normalising::{ExtractSyntax, SeveritiesSyntax, TemplateSyntax};
use super::pattern::{ContextActionSyntax, EmitSyntax, PatternSyntax};
use super::person::PersonSyntax;
use super::playbook::PlaybookSyntax;
use super::problem::ProblemSyntax;
use super::roster::RosterSyntax;
use super::sla_target::{BreachReasonSyntax, OutageBudgetSyntax, OutageSyntax, TargetSyntax};
use super::suppression::{MaintenanceSyntax, StormSyntax};
use super::team::TeamSyntax;
use super::time_interval::{AlertmanagerSyntax, NamedIntervalsSyntax};
use crate::core::rules::source::{OneOrMore, SourceSyntax};
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// One file; any file may hold any section.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSyntax {
    /// Conversion of tools' payloads into events.
    pub sources: Option<Vec<SourceSyntax>>,
    /// Configuration items, tables and the naming standard: the facts of an event.
    pub inventory: Option<InventorySyntax>,
    /// Joining alerts of one failure into one incident; in one file only.
    pub grouping: Option<Spanned<GroupingSyntax>>,
    /// Regular expressions whose named groups become facts.
    pub extract: Option<Vec<ExtractSyntax>>,
    /// Meanings of words as severities, for sources that give none.
    pub severities: Option<Vec<SeveritiesSyntax>>,
    /// Texts of events that are reduced to templates (the fact `template`).
    pub templates: Option<Vec<TemplateSyntax>>,
    /// Correlation rules: which alerts belong together, and what follows. The first rule that matches owns an alert.
    pub rules: Option<Vec<RuleSyntax>>,
    /// Alerts suppressed while others fire.
    pub inhibitions: Option<Vec<InhibitionSyntax>>,
    /// Alerts suppressed during planned work.
    pub maintenance: Option<Vec<MaintenanceSyntax>>,
    /// Stretches of the wall clock in which rules page people, or do not.
    pub time_intervals: Option<Vec<NamedIntervalsSyntax>>,
    /// How alerts that come as an Alertmanager's are read; in one file only.
    pub alertmanager: Option<Spanned<AlertmanagerSyntax>>,
    /// Floods of alerts that one incident represents.
    pub storms: Option<Vec<StormSyntax>>,
    /// Escalation policies: the teams that get an incident, and the time limits.
    pub tiers: Option<Vec<LadderSyntax>>,
    /// Working time: weeks, holidays, make-up workdays.
    pub calendars: Option<Vec<CalendarSyntax>>,
    /// Teams, and their notification channels.
    pub teams: Option<Vec<TeamSyntax>>,
    /// Capacity and contacts of each person.
    pub people: Option<Vec<PersonSyntax>>,
    /// Steps to take on an incident.
    pub playbooks: Option<Vec<PlaybookSyntax>>,
    /// On-call schedules.
    pub rosters: Option<Vec<RosterSyntax>>,
    /// SLA targets: what is agreed with whom, in which version. The first that fits an incident holds.
    #[serde(alias = "targets")]
    pub sla: Option<Vec<TargetSyntax>>,
    /// Codes of reasons for a breach; default: a built-in list.
    pub breach_reasons: Option<Vec<BreachReasonSyntax>>,
    /// Maximum outage of services in a year.
    pub outages: Option<Vec<OutageBudgetSyntax>>,
    /// Conditions under which incidents become a problem.
    pub problems: Option<Vec<ProblemSyntax>>,
    /// Checklists on a schedule.
    pub inspections: Option<Vec<PlanSyntax>>,
    /// Checklists for inspection plans, by name.
    pub checklists: Option<Vec<ChecklistSyntax>>,
    /// Inputs on virtual time, and their expected results (`watchfire test`).
    pub tests: Option<Vec<super::test_case::TestSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSyntax {
    /// Once among all files.
    pub name: Text,
    /// Matchers as Alertmanager writes them, such as `alertname="LinkDown", site=~"GZ.*"`; all must hold. Without it:
    /// everything.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// Matcher sets whose alerts it does not match: each text is one set, and an alert that fits any of them passes it by.
    pub unless: Option<Spanned<OneOrMore>>,
    /// A CEL expression for conditions beyond matchers: `value > 90.0 && has(labels.site)`.
    pub when: Option<Text>,
    /// Labels whose values make the key: alerts with equal values are one incident; [] is one incident for all.
    pub by: Option<Spanned<OneOrMore>>,
    /// The condition for firing; default: `each`.
    pub pattern: Option<Spanned<PatternSyntax>>,
    /// Unit of counting: transitions (the default), or every message.
    #[schemars(with = "Option<CountedWord>")]
    pub on: Option<Text>,
    /// True if later rules see the alert too; default: false.
    #[serde(rename = "continue")]
    pub continues: Option<bool>,
    /// Reason why a pattern that waits may keep alerts for good.
    #[serde(alias = "because")]
    pub justification: Option<Text>,
    /// With `{label}`, `{fact.name}`, `{summary}` and `{count}` filled in; default: the alert's summary.
    pub title: Option<Text>,
    /// Severity of its incidents, instead of the worst of their alerts.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Priority of its incidents, instead of the one that follows from the severity.
    #[schemars(with = "Option<PriorityWord>")]
    pub priority: Option<Text>,
    /// The escalation policy of its incidents; default: `default`.
    pub tiers: Option<Text>,
    /// Another escalation policy for incidents that open outside the hours of a calendar.
    pub after_hours: Option<AfterHoursSyntax>,
    /// Names of time_intervals in which it pages nobody; what still stands when they end is paged then.
    pub mute_time_intervals: Option<Vec<Text>>,
    /// Names of time_intervals outside of which it pages nobody.
    pub active_time_intervals: Option<Vec<Text>>,
    /// Whether it pages anybody; true unless given.
    #[serde(alias = "pages")]
    pub paging: Option<bool>,
    /// Whether people are told of alerts that join an acknowledged incident, several together; default: for P1 and P2.
    pub notify_new_alerts: Option<bool>,
    /// A text or a link, shown with the incident.
    pub runbook: Option<Text>,
    /// The playbook of its incidents, from the section `playbooks:`.
    pub playbook: Option<Text>,
    /// How long the first notification waits (Alertmanager: group_wait) for a cause that explains it; 30s, or 0s for priority P1.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "settle")]
    pub notify_delay: Option<Text>,
    /// Time for which all must be clear before it resolves by itself; default: 5m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolve_after: Option<Text>,
    /// Time after that at which it closes without a person; default: never.
    #[schemars(with = "Option<LengthOfTime>")]
    pub close_after: Option<Text>,
    /// Time after resolution in which the same key reopens it; default: 1h.
    #[schemars(with = "Option<LengthOfTime>")]
    pub reopen_within: Option<Text>,
    /// Time after the last event at which the rule is clear, for events without an end.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "quiet")]
    pub clear_after: Option<Text>,
    /// How long a firing alert may be held back before it is passed on to the next rule; the window, at most 15m.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "otherwise_after")]
    pub pass_on_after: Option<Text>,
    /// `sec`: windows as in SEC.
    #[schemars(with = "Option<SemanticsWord>")]
    pub semantics: Option<Text>,
    /// A guard on shared contexts: `!MAINT_{site} && ALIVE_{device}`. If it does not hold, the rule does not match.
    pub context: Option<Text>,
    /// Contexts that are set or unset when the rule fires.
    pub contexts: Option<Vec<ContextActionSyntax>>,
    /// The event that firing emits; it goes through all rules.
    pub emit: Option<Spanned<EmitSyntax>>,
    /// false: the rule only acts. Then, for alerts, it must continue or say `justification`.
    pub incident: Option<Spanned<bool>>,
    /// True if its alerts may share an incident with those of other rules; default: true.
    pub group: Option<bool>,
    /// Class of its incidents: incident 故障, event 监控事件 or request 服务请求. Every rule should set it.
    #[schemars(with = "Option<ClassWord>")]
    pub class: Option<Text>,
    /// Outside the service catalogue: counted, but without a target; default: false.
    pub out_of_catalogue: Option<bool>,
    /// Extent of the damage; with urgency it makes the priority, unless priority is given.
    #[schemars(with = "Option<LevelWord>")]
    pub impact: Option<Text>,
    /// Shortness of the time to act.
    #[schemars(with = "Option<LevelWord>")]
    pub urgency: Option<Text>,
    /// A calendar: while it is closed, out_of_hours_urgency applies instead.
    pub hours: Option<Text>,
    /// Together with hours.
    #[schemars(with = "Option<LevelWord>")]
    pub out_of_hours_urgency: Option<Text>,
    /// Its incidents are outages of a service.
    pub outage: Option<OutageSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InhibitionSyntax {
    /// Once among all files.
    pub name: Option<Text>,
    /// Matchers of the source alert, which explains the others; default: any alert. One of the two sides must be given.
    pub source: Option<Spanned<OneOrMore>>,
    /// Matchers of the alerts that are suppressed while it fires; default: any alert.
    pub target: Option<Spanned<OneOrMore>>,
    /// Labels whose values must be equal in both.
    pub equal: Option<Spanned<OneOrMore>>,
    /// The source explains alerts on items that depend on its item in the inventory.
    #[schemars(with = "Option<ThroughWord>")]
    pub through: Option<Text>,
    /// Maximum number of dependencies; default: 8.
    #[schemars(range(min = 1, max = super::suppression::HOPS_MAX))]
    pub hops: Option<Spanned<u64>>,
}
