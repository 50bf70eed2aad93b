//! JSON: one value, or several behind one another, as tools that write a line an event send them.

use serde_json::Value;

use super::error::ParseBodyError;
use super::fields::FIELDS_MAX;
use super::form::percent_decoded;

/// How many commas and brackets a JSON payload may have: more would take far more memory than its bytes.
const MARKS_MAX: usize = 1_000_000;

pub(super) fn read(unwrap: Option<&str>, text: &str) -> Result<Value, ParseBodyError> {
    let wrapped = unwrap.and_then(|prefix| text.strip_prefix(prefix));
    // A client that keeps to the form's rules has escaped the JSON; others put it there as it is.
    let unescaped = wrapped.filter(|rest| rest.starts_with('%')).map(percent_decoded).transpose()?;
    let json = unescaped.as_deref().or(wrapped).unwrap_or(text);
    let marks = json.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if marks > MARKS_MAX {
        return Err(ParseBodyError::whole(format!("{marks} JSON values in one payload; at most {MARKS_MAX}")));
    }
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let first = values.next().unwrap_or(Ok(Value::Null)).map_err(|error| ParseBodyError::json(&error))?;
    if !matches!(first, Value::Object(_)) {
        // Numbers and texts behind one another are a mistake, not a stream.
        return serde_json::from_str(json).map_err(|error| ParseBodyError::json(&error));
    }
    let mut all = vec![first];
    for value in values {
        all.push(value.map_err(|error| ParseBodyError::json(&error))?);
        if all.len() > FIELDS_MAX {
            return Err(ParseBodyError::whole(format!("more than {FIELDS_MAX} JSON values behind one another")));
        }
    }
    match <[Value; 1]>::try_from(all) {
        Ok([one]) => Ok(one),
        Err(all) => Ok(Value::Array(all)),
    }
}

/// Members of those names that hold JSON as a text become what they hold. A text that is none stays.
pub(super) fn open(value: &mut Value, names: &[String]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| open(item, names)),
        Value::Object(members) if !names.is_empty() => {
            for (name, member) in members {
                if let Value::String(text) = member
                    && names.contains(name)
                    && text.trim_start().starts_with(['{', '['])
                    && let Ok(held) = read(None, text)
                {
                    *member = held;
                }
                open(member, names);
            }
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
