//! YAML into syntax types, within limits; the parser's errors, in words for the author of the file.

use serde_saphyr::Error;

use super::file::FileSyntax;
use super::renamed_keys::is_old;
use crate::core::rules::RuleText;
use crate::core::rules::diagnostic::Diagnostic;

/// Maximum size of a parsed file, in bytes.
const FILE_MAX_BYTES: usize = 16 << 20;

/// Parses one file. The parser stops at the first error.
pub(crate) fn parse(file: &RuleText) -> Result<FileSyntax, Box<Diagnostic>> {
    let mistake = |place: (usize, usize), message: String, expected: String| {
        Box::new(Diagnostic::at(&file.path, &file.text, place, message, expected))
    };
    if file.text.len() > FILE_MAX_BYTES {
        return Err(mistake(
            (1, 1),
            format!("a file of {} bytes", file.text.len()),
            format!("at most {FILE_MAX_BYTES}"),
        ));
    }
    from_text(&file.text).map_err(|error| {
        let place = error.location().map_or((1, 1), |at| (at.line() as usize, at.column() as usize));
        let (message, expected) = words(error.without_snippet());
        mistake(place, message, expected)
    })
}

/// Any view of a file, within the bounds of rule files.
pub(super) fn from_text<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_saphyr::from_str_with_options(text, options())
}

/// Enough for the maximum number of rules in one file; anchors are a convenience, not a program.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 4_000_000,
            max_nodes: 2_000_000,
            max_depth: 32,
            flow_nesting_limit: 32,
            max_aliases: 10_000,
            max_anchors: 1_000,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 8,
        },
        with_snippet: false,
    }
}

fn words(error: &Error) -> (String, String) {
    let shown = error.to_string();
    let shown = shown.split(" at line ").next().unwrap_or_default();
    let (message, expected) = match error {
        Error::DuplicateMappingKey { .. } => {
            let key = shown.trim_start_matches("duplicate mapping key: ").split(',').next().unwrap_or_default();
            return (format!("the key {key:?} stands twice"), "each key once".to_owned());
        }
        Error::MultipleDocuments { .. } => ("a second document in one file", "one document; remove the ---"),
        Error::NullIntoString { .. } => ("no value", "a text"),
        Error::Unexpected { .. } => match shown.strip_prefix("expected ").unwrap_or(shown) {
            "mapping start" => ("wrong kind of value", "keys and their values"),
            "sequence start" => ("wrong kind of value", "a list, each entry on a line that begins with -"),
            "string scalar" => ("wrong kind of value", "a text"),
            other => return ("wrong kind of value".to_owned(), other.to_owned()),
        },
        Error::InvalidScalar { .. } if shown.contains("bool") => ("not a yes or no", "true or false"),
        Error::InvalidScalar { .. } => ("not a whole number", "a number that is not negative"),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => {
            return (format!("the file is too large or nests too deeply: {shown}"), String::new());
        }
        _ => match shown.split_once(", expected ") {
            Some((message, expected)) => return (message.to_owned(), without_old_words(expected)),
            None => return (shown.to_owned(), String::new()),
        },
    };
    (message.to_owned(), expected.to_owned())
}

/// `one of a, b, c` without the names that keys had before.
fn without_old_words(expected: &str) -> String {
    let Some(names) = expected.strip_prefix("one of ") else { return expected.to_owned() };
    let names: Vec<&str> = names.split(", ").filter(|name| !is_old(name.trim_matches('`'))).collect();
    format!("one of {}", names.join(", "))
}
