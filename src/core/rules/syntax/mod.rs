//! Rule files as written: YAML to typed syntax with source locations. It must never decide what a rule means.

pub(crate) mod calendar;
pub(crate) mod csv;
pub(crate) mod escalation_policy;
pub(crate) mod file;
pub(crate) mod inspection_plan;
pub(super) mod json_schema;
pub(crate) mod old_words;
pub(crate) mod pattern;
pub(crate) mod person;
pub(crate) mod playbook;
pub(crate) mod problem;
pub(crate) mod roster;
pub(crate) mod sla_target;
pub(crate) mod source;
pub(super) mod spanned;
pub(crate) mod team;
pub(crate) mod yaml;
