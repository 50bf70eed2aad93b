//! Drain's tree: by the number of words, then by the first constant ones; in a leaf the most
//! similar template.
//!
//! Values neither choose the branch nor count as similar, so that a line full of them is still known by its words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::mask::{WILDCARD, tokens};
use crate::core::model::{Timestamp, fnv1a};

/// Maximum number of templates; beyond it, the one not seen for the longest time is dropped.
pub const TEMPLATES_MAX: usize = 5_000;
/// Number of constant words on the path from the number of words to a leaf.
const DEPTH: usize = 3;
/// Maximum number of children of one node; all other words share one.
const CHILDREN_MAX: usize = 100;
/// Percentage of a template's constant words that a line must have in their positions.
const SIMILARITY_PERCENT: usize = 40;
/// Maximum number of a template's constant words that may differ at once: as many as the subjects of a sentence, not
/// its meaning.
const DIFFERENCES_MAX: usize = 2;

/// Names a template for rules: the hash of its first text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateId(pub u64);

impl fmt::Display for TemplateId {
    /// `t-9f3a…`, 16 digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t-{:016x}", self.0)
    }
}

impl Serialize for TemplateId {
    /// As text for people, or as the number in the journal's formats.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for TemplateId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TemplateId, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(TemplateId);
        }
        let text = String::deserialize(deserializer)?;
        let number = text.strip_prefix("t-").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.map(TemplateId).ok_or_else(|| serde::de::Error::custom("a template's id reads t- and 16 digits"))
    }
}

/// One sentence and how often it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct Template {
    words: Vec<String>,
    /// The path of its first line to its leaf.
    path: Vec<String>,
    /// The number of its last line.
    used: u64,
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl Template {
    /// Text for people; adjacent values are shown as one.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut last = "";
        for word in &self.words {
            if word == WILDCARD && last == WILDCARD {
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
            last = word;
        }
        text
    }

    /// Number of constant words that a line lacks; `None` if the line is another sentence.
    fn differences(&self, line: &[String]) -> Option<usize> {
        let constants = self.words.iter().zip(line).filter(|(word, _)| *word != WILDCARD);
        let (mut all, mut differ) = (0, 0);
        for (word, other) in constants {
            all += 1;
            if word != other {
                if is_keyword(word) || is_keyword(other) {
                    return None;
                }
                differ += 1;
            }
        }
        let is_alike = (all - differ) * 100 >= all * SIMILARITY_PERCENT && differ <= DIFFERENCES_MAX;
        is_alike.then_some(differ)
    }

    /// Replaces the differing words by wildcards; returns true if there were any.
    fn generalise(&mut self, line: &[String]) -> bool {
        let mut changed = false;
        for (word, other) in self.words.iter_mut().zip(line) {
            if word != other && word != WILDCARD {
                WILDCARD.clone_into(word);
                changed = true;
            }
        }
        changed
    }
}

/// Result of learning a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::core::correlation) struct Learned {
    pub id: TemplateId,
    /// The template's text, if it is new or has changed.
    pub text: Option<String>,
    /// The template that was dropped for it, with its count.
    pub forgotten: Option<(TemplateId, u64)>,
}

/// All templates. Two sets that saw the same lines are equal, byte for byte.
#[derive(Clone, Debug, Default)]
pub(in crate::core::correlation) struct Templates {
    kept: BTreeMap<TemplateId, Arc<Template>>,
    lines: u64,
    /// Derived from the templates.
    tree: Node,
    by_use: BTreeMap<u64, TemplateId>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    children: BTreeMap<String, Node>,
    leaf: BTreeSet<TemplateId>,
}

impl Templates {
    /// The template of a text; a new one if none is similar.
    pub fn learn(&mut self, text: &str, now: Timestamp) -> Learned {
        let line = tokens(text);
        let path = self.tree.path(&line);
        self.lines += 1;
        if let Some(id) = self.most_similar(&path, &line) {
            let text = self.see(id, &line, now);
            return Learned { id, text, forgotten: None };
        }
        let id = first_id(&line);
        if self.kept.contains_key(&id) {
            // It went to another leaf when a node was full.
            let text = self.see(id, &line, now);
            return Learned { id, text, forgotten: None };
        }
        let template = Template { words: line, path, used: self.lines, count: 1, first_at: now, last_at: now };
        let text = Some(template.text());
        self.insert(id, Arc::new(template));
        let forgotten = if self.kept.len() > TEMPLATES_MAX { self.forget_oldest() } else { None };
        Learned { id, text, forgotten }
    }

    /// The template that a text would have if it came now.
    pub fn recognise(&self, text: &str) -> TemplateId {
        let line = tokens(text);
        self.most_similar(&self.tree.path(&line), &line).unwrap_or_else(|| first_id(&line))
    }

    pub fn iter(&self) -> impl Iterator<Item = (TemplateId, &Template)> {
        self.kept.iter().map(|(id, template)| (*id, template.as_ref()))
    }

    /// Among equally similar ones, the first by id.
    fn most_similar(&self, path: &[String], line: &[String]) -> Option<TemplateId> {
        let leaf = path.iter().try_fold(&self.tree, |node, word| node.children.get(word))?;
        let alike = leaf.leaf.iter().filter_map(|id| Some((self.kept.get(id)?.differences(line)?, *id)));
        alike.min().map(|(_, id)| id)
    }

    fn see(&mut self, id: TemplateId, line: &[String], now: Timestamp) -> Option<String> {
        let template = Arc::make_mut(self.kept.get_mut(&id)?);
        self.by_use.remove(&template.used);
        self.by_use.insert(self.lines, id);
        template.used = self.lines;
        template.count += 1;
        template.last_at = now;
        (template.words.len() == line.len() && template.generalise(line)).then(|| template.text())
    }

    fn insert(&mut self, id: TemplateId, template: Arc<Template>) {
        let leaf = template.path.iter().fold(&mut self.tree, |node, word| {
            // Looked up before insertion, so that the word is cloned only for a new node.
            node.children.entry(word.clone()).or_default()
        });
        leaf.leaf.insert(id);
        self.by_use.insert(template.used, id);
        self.kept.insert(id, template);
    }

    fn forget_oldest(&mut self) -> Option<(TemplateId, u64)> {
        let (_, id) = self.by_use.pop_first()?;
        let template = self.kept.remove(&id)?;
        self.tree.remove(&template.path, id);
        Some((id, template.count))
    }
}

/// The id of a template that starts with this line.
fn first_id(line: &[String]) -> TemplateId {
    TemplateId(fnv1a(line.join(" ").as_bytes()))
}

impl Node {
    /// The number of words, then the first constant ones, as far as there is room for them.
    fn path(&self, line: &[String]) -> Vec<String> {
        let mut path = vec![line.len().to_string()];
        let mut node = self.children.get(&path[0]);
        let leading = line.iter().filter(|word| leads(word)).map(String::as_str);
        for word in leading.chain(std::iter::repeat("")).take(DEPTH) {
            let is_full = node.is_some_and(|node| node.children.len() >= CHILDREN_MAX);
            let is_known = node.is_some_and(|node| node.children.contains_key(word));
            let word = if is_full && !is_known { WILDCARD } else { word };
            node = node.and_then(|node| node.children.get(word));
            path.push(word.to_owned());
        }
        path
    }

    fn remove(&mut self, path: &[String], id: TemplateId) {
        match path.split_first() {
            None => {
                self.leaf.remove(&id);
            }
            Some((word, rest)) => {
                let Some(child) = self.children.get_mut(word) else { return };
                child.remove(rest, id);
                if child.children.is_empty() && child.leaf.is_empty() {
                    self.children.remove(word);
                }
            }
        }
    }
}

/// True if a word tells sentences apart: values and names with numbers in them do not.
fn leads(word: &str) -> bool {
    !word.contains(WILDCARD) && !word.contains(|c: char| c.is_ascii_digit()) && word.contains(char::is_alphabetic)
}

/// True for a program's own word (`GET`, `SCREEN_OFF`): such a word is no value, though it varies.
fn is_keyword(word: &str) -> bool {
    word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|part| {
        part.len() > 1
            && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            && part.bytes().any(|byte| byte.is_ascii_uppercase())
    })
}

impl PartialEq for Templates {
    fn eq(&self, other: &Templates) -> bool {
        (self.lines, &self.kept) == (other.lines, &other.kept)
    }
}

impl Serialize for Templates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.lines, &self.kept).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Templates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Templates, D::Error> {
        let (lines, kept) = <(u64, BTreeMap<TemplateId, Arc<Template>>)>::deserialize(deserializer)?;
        let mut templates = Templates { lines, ..Templates::default() };
        for (id, template) in kept {
            templates.insert(id, template);
        }
        Ok(templates)
    }
}
