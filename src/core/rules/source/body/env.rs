//! The environment of a notification script, as `env -0` prints it, or `env`.

use serde_json::{Map, Value};

use super::error::ParseBodyError;
use super::fields::check_fields;

/// Between its variables stands the one character that no value can hold.
fn is_nul_separated(text: &str) -> bool {
    text.trim_end_matches('\0').contains('\0') || text.ends_with('\0') && !text.trim_end_matches('\0').contains('\n')
}

pub(super) fn read(text: &str) -> Result<Map<String, Value>, ParseBodyError> {
    if is_nul_separated(text) { nul_separated(text) } else { lines(text.trim_end_matches('\0').trim()) }
}

/// `NAME=value` between NULs: a value is whatever it is.
fn nul_separated(text: &str) -> Result<Map<String, Value>, ParseBodyError> {
    let mut fields = Map::new();
    for variable in text.split('\0').filter(|variable| !variable.trim().is_empty()) {
        let Some((name, value)) = variable.split_once('=').filter(|(name, _)| is_variable_name(name)) else {
            // A function that a shell exports is no variable of a tool's.
            continue;
        };
        fields.insert(name.to_owned(), Value::String(value.to_owned()));
        check_fields(&fields)?;
    }
    if fields.is_empty() {
        return Err(ParseBodyError::whole("expected NAME=value between NULs, as env -0 prints them"));
    }
    Ok(fields)
}

/// `NAME=value` lines; a line without a name belongs to the value before it.
///
/// Where a name stands twice, one of them is a line of another variable's value: nobody can say which, so the payload
/// is refused.
fn lines(text: &str) -> Result<Map<String, Value>, ParseBodyError> {
    let mut fields = Map::new();
    let mut last: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let here = Some((index + 1, 1));
        let named = line.split_once('=').filter(|(name, _)| is_variable_name(name));
        match (named, last.as_ref().and_then(|name| fields.get_mut(name))) {
            (Some((name, value)), _) => {
                if fields.insert(name.to_owned(), Value::String(value.to_owned())).is_some() {
                    let reason = format!("{name} stands twice, so a value of several lines forges one; send env -0");
                    return Err(ParseBodyError { reason, at: here });
                }
                last = Some(name.to_owned());
            }
            (None, Some(Value::String(value))) => {
                value.push('\n');
                value.push_str(line);
            }
            (None, _) => {
                let reason = "expected lines of NAME=value, as env prints them".to_owned();
                return Err(ParseBodyError { reason, at: here });
            }
        }
        check_fields(&fields)?;
    }
    Ok(fields)
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
