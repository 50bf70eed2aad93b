//! Rule files as they are spelled: every value that can be wrong keeps its place in the file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::calendar::{AfterHoursSyntax, CalendarSyntax};
use super::escalation_policy::LadderSyntax;
use super::inspection_plan::{ChecklistSyntax, PlanSyntax};
use super::json_schema::{
    ClassWord, CountedWord, LengthOfTime, LevelWord, PriorityWord, SemanticsWord, SeverityWord, ThroughWord,
};
use super::pattern::{ContextActionSyntax, EmitSyntax, PatternSyntax};
use super::person::PersonSyntax;
use super::playbook::PlaybookSyntax;
use super::problem::ProblemSyntax;
use super::roster::RosterSyntax;
use super::sla_target::{BreachReasonSyntax, OutageBudgetSyntax, OutageSyntax, TargetSyntax};
use super::team::TeamSyntax;
use crate::core::rules::compile::grouping::GroupingSyntax;
use crate::core::rules::compile::inventory::InventorySyntax;
use crate::core::rules::compile::normalising::{ExtractSyntax, SeveritiesSyntax, TemplateSyntax};
use crate::core::rules::compile::suppression::{MaintenanceSyntax, StormSyntax};
use crate::core::rules::source::{OneOrMore, SourceSyntax};
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

/// One file; any file may hold any section.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSyntax {
    /// How the payloads of tools become events.
    pub sources: Option<Vec<SourceSyntax>>,
    /// What can fail, its tables and naming standard: the facts of an event.
    pub inventory: Option<InventorySyntax>,
    /// How alerts of one failure become one incident; in one file only.
    pub grouping: Option<Spanned<GroupingSyntax>>,
    /// Regular expressions whose named groups become facts.
    pub extract: Option<Vec<ExtractSyntax>>,
    /// What words mean as severities, where the source does not say.
    pub severities: Option<Vec<SeveritiesSyntax>>,
    /// Which texts of events are reduced to templates (the fact `template`).
    pub templates: Option<Vec<TemplateSyntax>>,
    /// Which alerts belong together, and what becomes of them. The first rule that matches owns an alert.
    pub rules: Option<Vec<RuleSyntax>>,
    /// Which alerts are quiet while others fire.
    pub inhibitions: Option<Vec<InhibitionSyntax>>,
    /// Which alerts are quiet while work is done.
    pub maintenance: Option<Vec<MaintenanceSyntax>>,
    /// When one incident stands for a flood of alerts.
    pub storms: Option<Vec<StormSyntax>>,
    /// Ladders: who gets an incident, and by when.
    pub tiers: Option<Vec<LadderSyntax>>,
    /// When work is done: weeks, holidays, make-up workdays.
    pub calendars: Option<Vec<CalendarSyntax>>,
    /// Who they are, and how they are told.
    pub teams: Option<Vec<TeamSyntax>>,
    /// What each of them can take, and how they want to be told.
    pub people: Option<Vec<PersonSyntax>>,
    /// What is done about an incident, step by step.
    pub playbooks: Option<Vec<PlaybookSyntax>>,
    /// Who works when.
    pub rosters: Option<Vec<RosterSyntax>>,
    /// SLA targets: what is agreed with whom, in which version. The first that fits an incident holds.
    #[serde(alias = "targets")]
    pub sla: Option<Vec<TargetSyntax>>,
    /// Codes of reasons why a promise was broken; a built-in list unless given.
    pub breach_reasons: Option<Vec<BreachReasonSyntax>>,
    /// How long services may be out in a year.
    pub outages: Option<Vec<OutageBudgetSyntax>>,
    /// When incidents become a problem.
    pub problems: Option<Vec<ProblemSyntax>>,
    /// Checklists on a schedule.
    pub inspections: Option<Vec<PlanSyntax>>,
    /// What inspection plans look at, by name.
    pub checklists: Option<Vec<ChecklistSyntax>>,
    /// Inputs on virtual time, and what must come of them (`watchfire test`).
    pub tests: Option<Vec<crate::core::rules::compile::test_case::TestSyntax>>,
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
    /// A CEL expression for what matchers cannot say: `value > 90.0 && has(labels.site)`.
    pub when: Option<Text>,
    /// Labels whose values make the key: alerts with equal values are one incident.
    pub by: Option<Spanned<OneOrMore>>,
    /// When the rule fires; `each` unless given.
    pub pattern: Option<Spanned<PatternSyntax>>,
    /// What counting patterns count: transitions (the default), or every message.
    #[schemars(with = "Option<CountedWord>")]
    pub on: Option<Text>,
    /// Whether later rules see the alert too; false unless given.
    #[serde(rename = "continue")]
    pub continues: Option<bool>,
    /// Why a pattern that waits may hold alerts back for good.
    #[serde(alias = "because")]
    pub justification: Option<Text>,
    /// With `{label}`, `{fact.name}`, `{summary}` and `{count}` filled in; the alert's summary unless given.
    pub title: Option<Text>,
    /// Of its incidents, instead of the worst of their alerts.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Of its incidents, instead of what follows from the severity.
    #[schemars(with = "Option<PriorityWord>")]
    pub priority: Option<Text>,
    /// The ladder that its incidents climb; `default` unless given.
    pub tiers: Option<Text>,
    /// Another ladder for incidents that open outside the hours of a calendar.
    pub after_hours: Option<AfterHoursSyntax>,
    /// Whether it pages anybody; true unless given.
    #[serde(alias = "pages")]
    pub paging: Option<bool>,
    /// A text or a link, shown with the incident.
    pub runbook: Option<Text>,
    /// What is done about it, step by step; a playbook of the section `playbooks:`.
    pub playbook: Option<Text>,
    /// How long the first notification waits (Alertmanager: group_wait) for a cause that explains it; 30s, or 0s for priority P1.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "settle")]
    pub notify_delay: Option<Text>,
    /// How long all must be clear before it resolves by itself; 5m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolve_after: Option<Text>,
    /// How long after that it is closed without a person; never unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub close_after: Option<Text>,
    /// How long after resolving the same key reopens it; 1h unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub reopen_within: Option<Text>,
    /// How long after the last event the rule is clear, where what it counts has no end.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "quiet")]
    pub clear_after: Option<Text>,
    /// How long a firing alert may be held back before it is passed on to the next rule; the window, at most 15m.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "otherwise_after")]
    pub pass_on_after: Option<Text>,
    /// `sec`: windows as SEC has them.
    #[schemars(with = "Option<SemanticsWord>")]
    pub semantics: Option<Text>,
    /// A guard on shared contexts: `!MAINT_{site} && ALIVE_{device}`. Where it does not hold, the rule does not
    /// match.
    pub context: Option<Text>,
    /// Contexts that are set or unset when the rule fires.
    pub contexts: Option<Vec<ContextActionSyntax>>,
    /// The event that firing makes; it goes through all rules.
    pub emit: Option<Spanned<EmitSyntax>>,
    /// false: the rule only acts. Then, for alerts, it must continue or say `justification`.
    pub incident: Option<Spanned<bool>>,
    /// Whether its alerts may become one incident with those of other rules; true unless given.
    pub group: Option<bool>,
    /// What its incidents are: incident 故障, event 监控事件 or request 服务请求. Every rule should say it.
    #[schemars(with = "Option<ClassWord>")]
    pub class: Option<Text>,
    /// Outside the service catalogue: counted, but promised nothing; false unless given.
    pub out_of_catalogue: Option<bool>,
    /// How much is hit; with urgency it makes the priority, unless priority is given.
    #[schemars(with = "Option<LevelWord>")]
    pub impact: Option<Text>,
    /// How little time there is.
    #[schemars(with = "Option<LevelWord>")]
    pub urgency: Option<Text>,
    /// A calendar: while it is closed, out_of_hours_urgency holds instead.
    pub hours: Option<Text>,
    /// With hours.
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
    /// Matchers of the alert that explains.
    pub source: Spanned<OneOrMore>,
    /// Matchers of the alerts that are held back while it fires.
    pub target: Spanned<OneOrMore>,
    /// Labels whose values must be equal in both.
    pub equal: Option<Spanned<OneOrMore>>,
    /// The source explains what depends on its item in the inventory.
    #[schemars(with = "Option<ThroughWord>")]
    pub through: Option<Text>,
    /// Over how many dependencies; 8 unless given.
    #[schemars(range(min = 1, max = crate::core::rules::compile::suppression::HOPS_MAX))]
    pub hops: Option<Spanned<u64>>,
}
