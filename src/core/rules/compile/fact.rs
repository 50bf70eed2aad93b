//! The check of a fact's name.

use crate::core::model::NAME_MAX_BYTES;
use crate::core::rules::{NAMING_FACT, TEMPLATE_FACT};

/// Checks the name of a fact; the error describes the allowed names.
pub(super) fn check_fact(name: &str) -> Result<(), String> {
    if [NAMING_FACT, TEMPLATE_FACT].contains(&name) {
        return Err(format!("another name: {name} is watchfire's own fact"));
    }
    if name.is_empty() || name.len() > NAME_MAX_BYTES || name.starts_with('@') || name.contains(char::is_control) {
        return Err(format!("a name of 1 to {NAME_MAX_BYTES} bytes that does not begin with @"));
    }
    Ok(())
}
