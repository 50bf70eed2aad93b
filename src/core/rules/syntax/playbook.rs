//! The section `playbooks:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaybookSyntax {
    /// What rules name in `playbook:`; once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// In the order in which they are done.
    pub steps: Vec<PlaybookStepSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaybookStepSyntax {
    /// What ticking names; once in the playbook.
    pub name: Text,
    /// What to do; the name unless given.
    pub title: Option<Text>,
    /// Whether a note must say what was seen; false unless given.
    pub evidence: Option<bool>,
}
