//! The bound on the fields of a payload.

use serde_json::{Map, Value};

use super::error::ParseBodyError;

/// How many fields a form, an environment or a text may have.
pub(super) const FIELDS_MAX: usize = 10_000;

/// Fails if an object has more fields than a payload may have.
pub(super) fn check_fields(fields: &Map<String, Value>) -> Result<(), ParseBodyError> {
    if fields.len() <= FIELDS_MAX {
        return Ok(());
    }
    Err(ParseBodyError::whole(format!("more than {FIELDS_MAX} fields in one payload")))
}
