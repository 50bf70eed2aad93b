//! Plain text: cut into items, and read by the named groups of regular expressions.

use regex::Regex;
use serde_json::{Map, Value};

use super::error::ParseBodyError;
use super::fields::check_fields;
use crate::core::model::EVENTS_MAX;

/// How a text becomes items, and an item members.
#[derive(Debug, Clone, Default)]
pub(in crate::core::rules::source) struct TextShape {
    pub split: Split,
    /// The first that fits gives its named groups as members.
    pub patterns: Vec<Regex>,
    /// Each place that fits gives a member of `pairs`: its groups `name` and `value`.
    pub pairs: Option<Regex>,
}

/// Where one item ends and the next begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::core::rules::source) enum Split {
    /// The whole text is one item.
    #[default]
    Whole,
    Lines,
    /// RFC 6587: each message behind its length, or one a line.
    Syslog,
}

impl Split {
    pub const ALL: [Split; 3] = [Split::Whole, Split::Lines, Split::Syslog];

    pub const fn as_str(self) -> &'static str {
        match self {
            Split::Whole => "whole",
            Split::Lines => "lines",
            Split::Syslog => "syslog",
        }
    }
}

impl TextShape {
    /// A text without patterns is itself; with them an object of their groups, and the whole as `text`.
    pub fn read(&self, text: &str) -> Result<Value, ParseBodyError> {
        let items: Vec<&str> = match self.split {
            Split::Whole => return self.item(text),
            Split::Lines => text.lines().filter(|line| !line.trim().is_empty()).collect(),
            Split::Syslog => frames(text),
        };
        if items.len() > EVENTS_MAX {
            return Err(ParseBodyError::whole(format!("{} lines in one payload; at most {EVENTS_MAX}", items.len())));
        }
        items.into_iter().map(|item| self.item(item)).collect::<Result<_, _>>().map(Value::Array)
    }

    fn item(&self, text: &str) -> Result<Value, ParseBodyError> {
        if self.patterns.is_empty() && self.pairs.is_none() {
            return Ok(Value::String(text.to_owned()));
        }
        let mut members = Map::new();
        members.insert("text".to_owned(), Value::String(text.to_owned()));
        if let Some((pattern, groups)) =
            self.patterns.iter().find_map(|one| one.captures(text).map(|groups| (one, groups)))
        {
            for name in pattern.capture_names().flatten() {
                if let Some(group) = groups.name(name) {
                    members.insert(name.to_owned(), Value::String(group.as_str().to_owned()));
                }
            }
        }
        if let Some(pattern) = &self.pairs {
            members.insert("pairs".to_owned(), Value::Object(pairs(pattern, text)?));
        }
        Ok(Value::Object(members))
    }
}

/// Of pairs with one name the first counts.
fn pairs(pattern: &Regex, text: &str) -> Result<Map<String, Value>, ParseBodyError> {
    let mut pairs = Map::new();
    for found in pattern.captures_iter(text) {
        if let (Some(name), Some(value)) = (found.name("name"), found.name("value")) {
            pairs.entry(name.as_str()).or_insert_with(|| Value::String(value.as_str().trim().to_owned()));
            check_fields(&pairs)?;
        }
    }
    Ok(pairs)
}

/// `LENGTH <PRI>…` as long as such lengths stand there; else lines. A length that is longer than the rest takes the rest.
fn frames(text: &str) -> Vec<&str> {
    let mut frames = Vec::new();
    let mut rest = text.trim_start();
    while let Some((length, after)) = counted(rest) {
        let end = after.floor_char_boundary(length.min(after.len()));
        frames.push(after[..end].trim_end());
        rest = after[end..].trim_start();
    }
    if frames.is_empty() {
        return text.lines().filter(|line| !line.trim().is_empty()).collect();
    }
    frames.extend(rest.lines().filter(|line| !line.trim().is_empty()));
    frames
}

/// The length in front of a message, in bytes, and the message with what follows it.
fn counted(text: &str) -> Option<(usize, &str)> {
    let (length, after) = text.split_once(' ')?;
    let is_length = (1..=6).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_digit());
    (is_length && after.starts_with('<')).then_some((length.parse().ok()?, after))
}
