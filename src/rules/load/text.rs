//! Rule files as they are spelled: every value that can be wrong keeps its place in the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::grouping::GroupingText;
use super::inventory::InventoryText;
use super::normalising::{ExtractText, SeveritiesText, TemplateText};
use super::pattern_text::{ContextActionText, EmitText, PatternText};
use crate::rules::source::{OneOrMore, SourceText};

type Text = Spanned<String>;

/// One file; any file may hold any section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileText {
    pub sources: Option<Vec<SourceText>>,
    pub inventory: Option<InventoryText>,
    pub grouping: Option<Spanned<GroupingText>>,
    pub extract: Option<Vec<ExtractText>>,
    pub severities: Option<Vec<SeveritiesText>>,
    pub templates: Option<Vec<TemplateText>>,
    pub rules: Option<Vec<RuleEntry>>,
    pub inhibitions: Option<Vec<InhibitionEntry>>,
    pub tiers: Option<Vec<LadderEntry>>,
    pub teams: Option<Vec<TeamEntry>>,
    pub problems: Option<Vec<ProblemEntry>>,
    pub inspections: Option<Vec<PlanEntry>>,
    pub tests: Option<Vec<super::test_case::TestEntry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
    pub name: Text,
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    pub when: Option<Text>,
    pub by: Option<Spanned<OneOrMore>>,
    pub pattern: Option<Spanned<PatternText>>,
    pub on: Option<Text>,
    #[serde(rename = "continue")]
    pub continues: Option<bool>,
    pub because: Option<Text>,
    pub title: Option<Text>,
    pub severity: Option<Text>,
    pub priority: Option<Text>,
    pub tiers: Option<Text>,
    pub pages: Option<bool>,
    pub runbook: Option<Text>,
    pub settle: Option<Text>,
    pub resolve_after: Option<Text>,
    pub close_after: Option<Text>,
    pub reopen_within: Option<Text>,
    pub quiet: Option<Text>,
    pub otherwise_after: Option<Text>,
    pub semantics: Option<Text>,
    pub context: Option<Text>,
    pub contexts: Option<Vec<ContextActionText>>,
    pub emit: Option<Spanned<EmitText>>,
    pub incident: Option<Spanned<bool>>,
    pub group: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InhibitionEntry {
    pub name: Option<Text>,
    pub source: Spanned<OneOrMore>,
    pub target: Spanned<OneOrMore>,
    pub equal: Option<Spanned<OneOrMore>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LadderEntry {
    pub name: Text,
    pub steps: Vec<StepEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepEntry {
    pub tier: Spanned<u64>,
    pub team: Text,
    pub respond_by: Text,
    pub page_every: Option<Text>,
    pub resolve_by: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamEntry {
    pub name: Text,
    pub title: Option<Text>,
    pub members: Option<Vec<Text>>,
    pub notify: Option<Vec<Spanned<ChannelText>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ChannelText {
    Webhook { url: Text },
    Mqtt { topic: Text },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProblemEntry {
    pub name: Text,
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    pub count: Spanned<u64>,
    pub within: Text,
    pub team: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanEntry {
    pub name: Text,
    pub title: Option<Text>,
    pub schedule: Text,
    pub zone: Text,
    pub team: Option<Text>,
    pub due_within: Text,
    pub missed_after: Text,
    pub sign_off: Option<bool>,
    pub items: Vec<ItemEntry>,
}

/// With exactly one of the checks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemEntry {
    pub name: Text,
    pub title: Option<Text>,
    pub severity: Option<Text>,
    pub labels: Option<BTreeMap<String, Text>>,
    pub manual: Option<ManualText>,
    pub http: Option<HttpText>,
    pub tcp: Option<TcpText>,
    pub tls: Option<TlsText>,
    pub promql: Option<PromqlText>,
    pub mqtt: Option<MqttCheckText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManualText {
    pub evidence: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpText {
    pub url: Text,
    pub status: Option<Spanned<u64>>,
    pub contains: Option<Text>,
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TcpText {
    pub address: Text,
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsText {
    pub address: Text,
    pub warn_below: Option<Text>,
    pub fail_below: Option<Text>,
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromqlText {
    pub server: Text,
    pub query: Text,
    pub warn: Option<Text>,
    pub fail: Option<Text>,
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MqttCheckText {
    pub topic: Text,
    pub within: Text,
}
