//! Extraction: a regular expression over an event's text, whose named groups become facts.

use regex::Regex;

use super::event_text::EventText;
use crate::core::model::{LABEL_MAX_BYTES, Matchers, ParseMatcherError, search_regex};

/// One expression. It runs in time linear in the text, whatever the text is.
#[derive(Debug, Clone)]
pub struct Extraction {
    pub name: String,
    pub matchers: Matchers,
    pub from: EventText,
    groups: NamedGroups,
}

impl Extraction {
    pub fn new(name: String, matchers: Matchers, from: EventText, groups: NamedGroups) -> Extraction {
        Extraction { name, matchers, from, groups }
    }

    /// The names of the facts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.groups.names()
    }

    /// The facts in that text: non-empty groups of the first match.
    pub fn facts<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.groups.of(text).into_iter().flatten()
    }
}

/// A compiled expression with its named groups.
#[derive(Debug, Clone)]
pub struct NamedGroups {
    regex: Regex,
    /// Number and name.
    named: Vec<(usize, String)>,
}

impl NamedGroups {
    /// In Go's spelling, as matchers; it may match anywhere unless it says `^` and `$`.
    pub fn compile(pattern: &str) -> Result<NamedGroups, ParseMatcherError> {
        let regex = search_regex(pattern)?;
        let numbered = regex.capture_names().enumerate();
        let named = numbered.filter_map(|(number, name)| Some((number, name?.to_owned()))).collect();
        Ok(NamedGroups { regex, named })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(_, name)| name.as_str())
    }

    /// The non-empty named groups of the first match; `None` without a match.
    pub fn of<'a>(&'a self, text: &'a str) -> Option<impl Iterator<Item = (&'a str, &'a str)>> {
        let captures = self.regex.captures(text)?;
        Some(self.named.iter().filter_map(move |(number, name)| {
            let value = captures.get(*number)?.as_str();
            let value = &value[..value.floor_char_boundary(LABEL_MAX_BYTES)];
            (!value.is_empty()).then_some((name.as_str(), value))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_groups_of_the_first_match_become_facts() {
        let groups = NamedGroups::compile(r"(?P<interface>\S+) changed state( to (?P<state>\w+))?").unwrap();
        let extraction = Extraction::new("链路".to_owned(), Matchers::default(), EventText::Summary, groups);
        let facts = |text: &str| -> Vec<(String, String)> {
            extraction.facts(text).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(facts("端口Gi0/1 changed state to down"), pairs(&[("interface", "端口Gi0/1"), ("state", "down")]));
        assert_eq!(facts("Gi0/2 changed state"), pairs(&[("interface", "Gi0/2")]));
        assert_eq!(facts("nothing"), pairs(&[]));
    }
}
