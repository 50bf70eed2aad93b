//! The section `playbooks:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rules::syntax::spanned::Text;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaybookSyntax {
    /// Its name in the `playbook:` of rules; once among all files.
    pub name: Text,
    /// Display name; default: the name.
    pub title: Option<Text>,
    /// In the order of execution.
    pub steps: Vec<PlaybookStepSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaybookStepSyntax {
    /// Its name for ticking; once in the playbook.
    pub name: Text,
    /// The text of the step; default: the name.
    pub title: Option<Text>,
    /// True if ticking requires a note with an observation; default: false.
    pub evidence: Option<bool>,
}
