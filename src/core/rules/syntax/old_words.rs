//! Keys of rule files that have another name now. The old ones are read for one release, each with a warning.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::renamed_keys::{OLD_WORDS, OldWord};
use super::spanned::Spanned;
use super::yaml;
use crate::core::rules::RuleText;
use crate::core::rules::diagnostic::Diagnostic;

/// A warning for each old word of a file that the loader could read.
pub(crate) fn warnings(file: &RuleText) -> Vec<Diagnostic> {
    if !OLD_WORDS.iter().any(|word| file.text.contains(word.old)) {
        return Vec::new();
    }
    let Ok(root) = yaml::from_text::<KeyNode>(&file.text) else { return Vec::new() };
    let mut found = Vec::new();
    collect(&root, &mut Vec::new(), &mut found);
    found.sort_by_key(|(place, _)| *place);
    found.dedup_by_key(|(place, _)| *place);
    let warning = |(place, word): ((usize, usize), &OldWord)| {
        let message =
            format!("the key `{}` is now called `{}`; the old word ends with the next release", word.old, word.new);
        Diagnostic::at(&file.path, &file.text, place, message, "")
    };
    found.into_iter().map(warning).collect()
}

fn collect<'a>(node: &'a KeyNode, above: &mut Vec<&'a str>, found: &mut Vec<((usize, usize), &'static OldWord)>) {
    match node {
        KeyNode::Scalar => {}
        KeyNode::List(entries) => entries.iter().for_each(|entry| collect(entry, above, found)),
        KeyNode::Map(entries) => {
            for (key, value) in entries {
                let old = OLD_WORDS.iter().find(|word| word.old == key.value && word.above == above.as_slice());
                if let Some(word) = old {
                    found.push(((key.referenced.line() as usize, key.referenced.column() as usize), word));
                }
                above.push(old.map_or(key.value.as_str(), |word| word.new));
                collect(value, above, found);
                above.pop();
            }
        }
    }
}

/// A file by its keys alone.
enum KeyNode {
    Scalar,
    List(Vec<KeyNode>),
    Map(Vec<(Spanned<String>, KeyNode)>),
}

impl<'de> Deserialize<'de> for KeyNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = KeyNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<KeyNode, E> {
        Ok(KeyNode::Scalar)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<KeyNode, E> {
        Ok(KeyNode::Scalar)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<KeyNode, E> {
        Ok(KeyNode::Scalar)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<KeyNode, E> {
        Ok(KeyNode::Scalar)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<KeyNode, E> {
        Ok(KeyNode::Scalar)
    }

    fn visit_unit<E: Error>(self) -> Result<KeyNode, E> {
        Ok(KeyNode::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<KeyNode, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = sequence.next_element()? {
            entries.push(entry);
        }
        Ok(KeyNode::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KeyNode, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(KeyNode::Map(entries))
    }
}
