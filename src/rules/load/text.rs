//! Rule files as they are spelled: every value that can be wrong keeps its place in the file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::grouping::GroupingText;
use super::holding::{MaintenanceEntry, StormEntry};
use super::inventory::InventoryText;
use super::normalising::{ExtractText, SeveritiesText, TemplateText};
use super::pattern_text::{ContextActionText, EmitText, PatternText};
use super::schema::{
    Address, CountedWord, LengthOfTime, Limit, PriorityWord, SemanticsWord, SeverityWord, ThroughWord, TierNumber, Url,
};
use crate::rules::source::{OneOrMore, SourceText};
use crate::rules::spanned::Spanned;

type Text = Spanned<String>;

/// One file; any file may hold any section.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileText {
    /// How the payloads of tools become events.
    pub sources: Option<Vec<SourceText>>,
    /// What can fail, its tables and naming standard: the facts of an event.
    pub inventory: Option<InventoryText>,
    /// How alerts of one failure become one incident; in one file only.
    pub grouping: Option<Spanned<GroupingText>>,
    /// Regular expressions whose named groups become facts.
    pub extract: Option<Vec<ExtractText>>,
    /// What words mean as severities, where the source does not say.
    pub severities: Option<Vec<SeveritiesText>>,
    /// Which texts of events are reduced to templates (the fact `template`).
    pub templates: Option<Vec<TemplateText>>,
    /// Which alerts belong together, and what becomes of them. The first rule that matches owns an alert.
    pub rules: Option<Vec<RuleEntry>>,
    /// Which alerts are quiet while others fire.
    pub inhibitions: Option<Vec<InhibitionEntry>>,
    /// Which alerts are quiet while work is done.
    pub maintenance: Option<Vec<MaintenanceEntry>>,
    /// When one incident stands for a flood of alerts.
    pub storms: Option<Vec<StormEntry>>,
    /// Ladders: who gets an incident, and by when.
    pub tiers: Option<Vec<LadderEntry>>,
    /// Who they are, and how they are told.
    pub teams: Option<Vec<TeamEntry>>,
    /// When incidents become a problem.
    pub problems: Option<Vec<ProblemEntry>>,
    /// Checklists on a schedule.
    pub inspections: Option<Vec<PlanEntry>>,
    /// Inputs on virtual time, and what must come of them (`watchfire test`).
    pub tests: Option<Vec<super::test_case::TestEntry>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
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
    pub pattern: Option<Spanned<PatternText>>,
    /// What counting patterns count: transitions (the default), or every message.
    #[schemars(with = "Option<CountedWord>")]
    pub on: Option<Text>,
    /// Whether later rules see the alert too; false unless given.
    #[serde(rename = "continue")]
    pub continues: Option<bool>,
    /// Why a pattern that waits may hold alerts back for good.
    pub because: Option<Text>,
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
    /// Whether anybody is paged; true unless given.
    pub pages: Option<bool>,
    /// A text or a link, shown with the incident.
    pub runbook: Option<Text>,
    /// How long the first notice waits for a cause that explains it; 30s, or 0s for priority P1.
    #[schemars(with = "Option<LengthOfTime>")]
    pub settle: Option<Text>,
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
    pub quiet: Option<Text>,
    /// How long a firing alert may be held back before the next rule gets it; the window, at most 15m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub otherwise_after: Option<Text>,
    /// `sec`: windows as SEC has them.
    #[schemars(with = "Option<SemanticsWord>")]
    pub semantics: Option<Text>,
    /// A guard on shared contexts: `!MAINT_{site} && ALIVE_{device}`. Where it does not hold, the rule does not
    /// match.
    pub context: Option<Text>,
    /// Contexts that are set or unset when the rule fires.
    pub contexts: Option<Vec<ContextActionText>>,
    /// The event that firing makes; it goes through all rules.
    pub emit: Option<Spanned<EmitText>>,
    /// false: the rule only acts. Then, for alerts, it must continue or say because.
    pub incident: Option<Spanned<bool>>,
    /// Whether its alerts may become one incident with those of other rules; true unless given.
    pub group: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InhibitionEntry {
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
    #[schemars(range(min = 1, max = super::holding::HOPS_MAX))]
    pub hops: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LadderEntry {
    /// What rules name in `tiers:`; once among all files.
    pub name: Text,
    /// In the order in which they are climbed.
    pub steps: Vec<StepEntry>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StepEntry {
    /// Line of support; never lower than the step before.
    #[schemars(with = "TierNumber")]
    pub tier: Spanned<u64>,
    /// A team of the section `teams:`.
    pub team: Text,
    /// Unacknowledged for that long: on to the next step.
    #[schemars(with = "LengthOfTime")]
    pub respond_by: Text,
    /// How often it is paged until then; 10m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub page_every: Option<Text>,
    /// Unresolved for that long: one more page, and on to the next step.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolve_by: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamEntry {
    /// What tiers, problems and inspections name; once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// Who is in it. A team with neither members nor a way to notify is skipped.
    pub members: Option<Vec<Text>>,
    /// Ways to tell the team.
    pub notify: Option<Vec<Spanned<ChannelText>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ChannelText {
    /// A POST to this address.
    Webhook {
        /// http or https.
        #[schemars(with = "Url")]
        url: Text,
    },
    /// A message on this topic; `{id}` is the incident's.
    Mqtt {
        /// Without + and #.
        topic: Text,
    },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProblemEntry {
    /// Once among all files.
    pub name: Text,
    /// Matchers over the incident's labels and `rule`.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// How many incidents of one rule and key open the problem.
    #[schemars(range(min = 2, max = super::desk::REPEATS_MAX))]
    pub count: Spanned<u64>,
    /// Within what time they must come, at most 400d.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// A team of the section `teams:`.
    pub team: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanEntry {
    /// Once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// As crontab: minute hour day-of-month month day-of-week; with six fields, seconds first.
    pub schedule: Text,
    /// Its time zone, such as Asia/Shanghai.
    pub zone: Text,
    /// Whose work it is; first-line unless given.
    pub team: Option<Text>,
    /// Not finished by then: overdue.
    #[schemars(with = "LengthOfTime")]
    pub due_within: Text,
    /// Not finished by then: missed, and raised.
    #[schemars(with = "LengthOfTime")]
    pub missed_after: Text,
    /// Whether somebody must sign it; false unless given.
    pub sign_off: Option<bool>,
    /// What is looked at.
    pub items: Vec<ItemEntry>,
}

/// With exactly one of the checks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["manual"]},
    {"required": ["http"]},
    {"required": ["tcp"]},
    {"required": ["tls"]},
    {"required": ["promql"]},
    {"required": ["mqtt"]},
]))]
pub(super) struct ItemEntry {
    /// Once in the plan.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// Of a failure; major unless given.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Labels of the event that a failure becomes.
    pub labels: Option<BTreeMap<String, Text>>,
    /// A person looks.
    pub manual: Option<ManualText>,
    /// A page is fetched.
    pub http: Option<HttpText>,
    /// A connection is made.
    pub tcp: Option<TcpText>,
    /// A certificate is looked at.
    pub tls: Option<TlsText>,
    /// A query is asked of Prometheus.
    pub promql: Option<PromqlText>,
    /// A message must have come on a topic.
    pub mqtt: Option<MqttCheckText>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManualText {
    /// Whether a remark is required; false unless given.
    pub evidence: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpText {
    /// What is fetched.
    #[schemars(with = "Url")]
    pub url: Text,
    /// The status that must come.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<Spanned<u64>>,
    /// A text that must be in the body.
    pub contains: Option<Text>,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TcpText {
    /// host:port
    #[schemars(with = "Address")]
    pub address: Text,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsText {
    /// host:port
    #[schemars(with = "Address")]
    pub address: Text,
    /// Warns when the certificate is valid for less than that; 30d unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub warn_below: Option<Text>,
    /// Fails when it is valid for less than that; 7d unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub fail_below: Option<Text>,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromqlText {
    /// The Prometheus to ask.
    #[schemars(with = "Url")]
    pub server: Text,
    /// A PromQL expression.
    pub query: Text,
    /// A limit such as `> 8`: warns where a value is beyond.
    #[schemars(with = "Option<Limit>")]
    pub warn: Option<Text>,
    /// A limit such as `> 16`: fails where a value is beyond.
    #[schemars(with = "Option<Limit>")]
    pub fail: Option<Text>,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MqttCheckText {
    /// The topic, or a filter with + and #.
    pub topic: Text,
    /// How old the last message may be, at most 1h.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}
