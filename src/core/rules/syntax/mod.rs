//! Rule files as written: YAML to typed syntax with source locations. It must never decide what a rule means.

pub(crate) mod calendar;
pub(crate) mod csv;
pub(crate) mod escalation_policy;
pub(crate) mod file;
pub(crate) mod grouping;
pub(crate) mod inspection_plan;
pub(crate) mod inventory;
pub(super) mod json_schema;
pub(crate) mod normalising;
pub(crate) mod old_words;
pub(crate) mod pattern;
pub(crate) mod person;
pub(crate) mod playbook;
pub(crate) mod problem;
pub(super) mod renamed_keys;
pub(crate) mod roster;
pub(super) mod schema_document;
pub(crate) mod sla_target;
pub(crate) mod source;
pub(super) mod spanned;
pub(crate) mod suppression;
pub(crate) mod table;
pub(crate) mod team;
pub(crate) mod test_case;
pub(crate) mod time_interval;
pub(crate) mod yaml;
