//! Reads the values of one file and collects all diagnostics. A wrong value is replaced by a harmless one, because a
//! rulebook with errors is never returned.

use serde_saphyr::Location;

use crate::core::model::{LABELS_MAX, Matchers, NAME_MAX_BYTES, Severity, Status, TimeDelta};
use crate::core::rules::diagnostic::Diagnostic;
use crate::core::rules::expression::ParseExpressionError;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{Expression, RuleText};

/// Maximum length of the name of a rule, a team, a plan and the like, in bytes.
const THING_NAME_MAX_BYTES: usize = 128;
/// Maximum length of a free text, in bytes.
const TEXT_MAX_BYTES: usize = 2048;

/// The special names that matchers of a section may use in addition to labels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClosedSet {
    /// `@severity`, `@source`, `@status`.
    OfEvents,
    None,
}

/// A definition that another file may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefKind {
    Ladder,
    Team,
    Calendar,
    Playbook,
    Roster,
    TimeInterval,
    /// A person; entries are optional, so a missing one is only a warning.
    Person,
}

/// A reference that must be defined in some file.
#[derive(Debug)]
pub(super) struct Reference {
    pub what: RefKind,
    pub name: String,
    pub file: usize,
    pub at: Location,
}

pub(super) struct SectionReader<'a> {
    pub file: &'a RuleText,
    pub file_number: usize,
    pub mistakes: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
    pub references: Vec<Reference>,
}

impl<'a> SectionReader<'a> {
    pub fn new(file: &'a RuleText, file_number: usize) -> SectionReader<'a> {
        SectionReader { file, file_number, mistakes: Vec::new(), warnings: Vec::new(), references: Vec::new() }
    }

    pub fn mistake(&mut self, at: Location, message: impl Into<String>, expected: impl Into<String>) {
        self.mistake_at(place(at), message, expected);
    }

    pub fn mistake_at(&mut self, at: (usize, usize), message: impl Into<String>, expected: impl Into<String>) {
        self.mistakes.push(Diagnostic::at(&self.file.path, &self.file.text, at, message, expected));
    }

    pub fn warning(&mut self, at: Location, message: impl Into<String>) {
        self.warnings.push(Diagnostic::at(&self.file.path, &self.file.text, place(at), message, ""));
    }

    /// Adds a diagnostic without the file's line, because the line contains a secret.
    pub fn mistake_unquoted(&mut self, at: Location, message: &str, expected: &str) {
        let mistake = Diagnostic::at(&self.file.path, &self.file.text, place(at), message, expected);
        self.mistakes.push(mistake.unquoted());
    }

    pub fn warning_unquoted(&mut self, at: Location, message: &str) {
        let warning = Diagnostic::at(&self.file.path, &self.file.text, place(at), message, "");
        self.warnings.push(warning.unquoted());
    }

    pub fn refer(&mut self, what: RefKind, name: &Spanned<String>) -> String {
        let (file, at) = (self.file_number, name.referenced);
        self.references.push(Reference { what, name: name.value.clone(), file, at });
        name.value.clone()
    }

    /// Reads a name that people and other sections use.
    pub fn name(&mut self, name: &Spanned<String>) -> String {
        let text = &name.value;
        if text.trim() != text
            || text.is_empty()
            || text.len() > THING_NAME_MAX_BYTES
            || text.contains(char::is_control)
        {
            let expected = format!("1 to {THING_NAME_MAX_BYTES} bytes without line breaks or spaces at the ends");
            self.mistake(name.referenced, format!("{text:?} is not a name"), expected);
        }
        text.clone()
    }

    pub fn text(&mut self, text: &Spanned<String>) -> String {
        let value = text.value.trim();
        if value.is_empty() {
            self.mistake(text.referenced, "an empty text", "a text, or leave the key out");
        }
        if value.len() > TEXT_MAX_BYTES {
            self.mistake(
                text.referenced,
                format!("a text of {} bytes", value.len()),
                format!("at most {TEXT_MAX_BYTES}"),
            );
        }
        value.to_owned()
    }

    /// Reads a duration from `least` to `most`.
    pub fn span(&mut self, text: &Spanned<String>, least: TimeDelta, most: TimeDelta) -> TimeDelta {
        match text.value.parse::<TimeDelta>() {
            Ok(span) if (least..=most).contains(&span) => span,
            Ok(span) => {
                self.mistake(text.referenced, format!("{span} is out of bounds"), format!("{least} to {most}"));
                least
            }
            Err(_) => {
                let message = format!("{:?} is not a length of time", text.value);
                self.mistake(text.referenced, message, "a number with a unit, for example 30s, 5m, 1h30m or 7d");
                least
            }
        }
    }

    pub fn optional_span(
        &mut self,
        text: Option<&Spanned<String>>,
        least: TimeDelta,
        most: TimeDelta,
    ) -> Option<TimeDelta> {
        text.map(|text| self.span(text, least, most))
    }

    pub fn count(&mut self, count: &Spanned<u64>, least: u32, most: u32) -> u32 {
        match u32::try_from(count.value) {
            Ok(number) if (least..=most).contains(&number) => number,
            Ok(_) | Err(_) => {
                self.mistake(
                    count.referenced,
                    format!("{} is out of bounds", count.value),
                    format!("{least} to {most}"),
                );
                least
            }
        }
    }

    /// Reads a word of a closed set.
    pub fn word<T: std::str::FromStr<Err = crate::core::model::ParseWordError>>(
        &mut self,
        text: &Spanned<String>,
    ) -> Option<T> {
        match text.value.parse() {
            Ok(word) => Some(word),
            Err(bad) => {
                self.mistake(text.referenced, format!("{:?} is not a {}", bad.word, bad.what), bad.expected);
                None
            }
        }
    }

    /// Reads the name of one label.
    pub fn label_name(&mut self, name: &Spanned<String>) -> String {
        let text = &name.value;
        if text.is_empty() || text.len() > NAME_MAX_BYTES || text.starts_with('@') {
            self.mistake(name.referenced, format!("{text:?} is not a label"), "the name of a label");
        }
        text.clone()
    }

    /// Reads label names, each once, in the order of the file.
    pub fn label_names(&mut self, names: Option<&Spanned<OneOrMore>>) -> Vec<String> {
        let Some(names) = names else { return Vec::new() };
        let mut known: Vec<String> = Vec::new();
        for (name, at) in each(names) {
            if name.is_empty() || name.len() > NAME_MAX_BYTES || name.starts_with('@') {
                self.mistake(at, format!("{name:?} is not a label"), "the name of a label");
            } else if known.iter().any(|other| other == name) {
                self.mistake(at, format!("the label {name:?} stands twice"), "each label once");
            } else {
                known.push(name.to_owned());
            }
        }
        if known.len() > LABELS_MAX {
            self.mistake(names.referenced, format!("{} labels", known.len()), format!("at most {LABELS_MAX}"));
        }
        known
    }

    pub fn matchers(&mut self, texts: Option<&Spanned<OneOrMore>>, words: ClosedSet) -> Matchers {
        let mut all = Vec::new();
        for (text, at) in texts.map(each).unwrap_or_default() {
            match Matchers::parse(text) {
                Ok(matchers) => {
                    self.check_words(&matchers, at, words);
                    all.extend(matchers.0);
                }
                Err(bad) => {
                    let before = text.get(..bad.at.unwrap_or(0)).unwrap_or_default();
                    let column = before.chars().count() + 1;
                    let at = self.inside(at, 1, column);
                    self.mistake_at(at, bad.reason, r#"matchers such as alertname="LinkDown", site=~"GZ.*""#);
                }
            }
        }
        Matchers(all)
    }

    /// Names with `@` are a closed set, and so are the words that two of them can have.
    fn check_words(&mut self, matchers: &Matchers, at: Location, words: ClosedSet) {
        for matcher in matchers.iter().filter(|matcher| matcher.name().starts_with('@')) {
            if words == ClosedSet::None {
                self.mistake(at, format!("{} is not known here", matcher.name()), "labels only");
                continue;
            }
            let fits = |word: &str| matcher.matches_value(word) == matcher.op().is_positive();
            let (what, known) = match matcher.name() {
                "@severity" => ("severity", Severity::ALL.iter().any(|severity| fits(severity.as_str()))),
                "@status" => {
                    let all = [Status::Firing, Status::Resolved, Status::Point];
                    ("status", all.iter().any(|status| fits(status.as_str())))
                }
                "@source" => continue,
                other => {
                    self.mistake(at, format!("unknown name {other:?}"), "a label, @severity, @source or @status");
                    continue;
                }
            };
            if !known {
                let expected = match what {
                    "severity" => "critical, major, minor, warning, indeterminate or cleared",
                    _ => "firing, resolved or point",
                };
                self.mistake(at, format!("{matcher} names no {what}"), expected);
            }
        }
    }

    /// Reads an http or https URL, checked by its form only, without any look-up.
    pub fn url(&mut self, text: &Spanned<String>) -> String {
        let url = text.value.as_str();
        let after = ["http://", "https://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
        let host = after.and_then(|after| after.split(['/', '?', '#']).next()).unwrap_or_default();
        if host.is_empty() || url.len() > TEXT_MAX_BYTES || url.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            self.mistake(text.referenced, format!("{url:?} is not a URL"), "http://host/… or https://host/…");
        }
        url.to_owned()
    }

    /// `host:port`
    pub fn address(&mut self, text: &Spanned<String>) -> String {
        let address = text.value.as_str();
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains(char::is_whitespace));
        if !port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0)) {
            self.mistake(text.referenced, format!("{address:?} is not an address"), "host:port");
        }
        address.to_owned()
    }

    /// Reads a topic to publish to, or a filter to subscribe to.
    pub fn topic(&mut self, text: &Spanned<String>, is_filter: bool) -> String {
        let topic = text.value.as_str();
        if topic.is_empty() || topic.len() > TEXT_MAX_BYTES || topic.contains(char::is_control) {
            self.mistake(text.referenced, format!("{topic:?} is not a topic"), format!("1 to {TEXT_MAX_BYTES} bytes"));
        }
        let mut levels = topic.split('/').rev();
        let has_rest_inside = levels.next().is_some_and(|last| last != "#" && last.contains('#'))
            || levels.any(|level| level.contains('#'));
        if !is_filter && topic.contains(['#', '+']) {
            self.mistake(text.referenced, "one publishes to one topic", "a topic without + and #");
        } else if is_filter && has_rest_inside {
            self.mistake(
                text.referenced,
                "# stands only at the end of a topic",
                "for example alarms/+/links or alarms/#",
            );
        }
        topic.to_owned()
    }

    pub fn condition(&mut self, text: &Spanned<String>) -> Option<Expression> {
        match Expression::condition(&text.value) {
            Ok(expression) => Some(expression),
            Err(ParseExpressionError { reason, line, column }) => {
                let at = self.inside(text.referenced, line, column);
                self.mistake_at(at, reason, "");
                None
            }
        }
    }

    /// Converts a place inside a value to a place in the file. Exact for plain and quoted values of one line and for
    /// blocks.
    pub fn inside(&self, start: Location, line: usize, column: usize) -> (usize, usize) {
        let (file_line, file_column) = place(start);
        if line > 1 {
            return (file_line + line - 1, file_column + column.saturating_sub(1));
        }
        let shown = self.file.text.lines().nth(file_line.saturating_sub(1)).unwrap_or_default();
        let mut rest = shown.chars().skip(file_column.saturating_sub(1));
        let quote = match rest.next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => return (file_line, file_column + column.saturating_sub(1)),
        };
        let mut at = file_column + 1;
        for _ in 1..column {
            let c = rest.next();
            at += 1;
            let is_escape = (quote == '"' && c == Some('\\')) || (quote == '\'' && c == Some('\''));
            if is_escape && rest.next().is_some() {
                at += 1;
            }
        }
        (file_line, at)
    }
}

pub(super) fn place(at: Location) -> (usize, usize) {
    (at.line() as usize, at.column() as usize)
}

/// The texts of one value or of a list, each with its place.
pub(super) fn each(texts: &Spanned<OneOrMore>) -> Vec<(&str, Location)> {
    match &texts.value {
        OneOrMore::One(text) => vec![(text, texts.referenced)],
        OneOrMore::More(more) => more.iter().map(|text| (text.value.as_str(), text.referenced)).collect(),
    }
}

/// The byte position of a brace that is not part of a placeholder such as `{site}`.
pub(super) fn place_of_brace(title: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = title[at..].find(['{', '}']) {
        let brace = at + found;
        let place = title[brace..].strip_prefix('{').and_then(|after| after.split_once('}'));
        match place {
            Some((name, _)) if !name.trim().is_empty() && !name.contains('{') => at = brace + name.len() + 2,
            Some(_) | None => return Some(brace),
        }
    }
    None
}
