//! A source as its file spells it, every value with its place in the file.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// One entry of the `sources:` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceText {
    pub name: Spanned<String>,
    pub mqtt: Option<MqttText>,
    pub format: Option<Spanned<String>>,
    pub unwrap: Option<Spanned<String>>,
    pub each: Option<Spanned<OneOrMore>>,
    #[serde(default)]
    pub parts: InOrder,
    pub skip_when: Option<Spanned<OneOrMore>>,
    pub id: Option<Spanned<OneOrMore>>,
    pub status: Option<Spanned<OneOrMore>>,
    #[serde(default)]
    pub statuses: BTreeMap<String, Spanned<String>>,
    pub labels_from: Option<Spanned<OneOrMore>>,
    #[serde(default)]
    pub drop_labels: Vec<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, Spanned<OneOrMore>>,
    pub annotations_from: Option<Spanned<OneOrMore>>,
    #[serde(default)]
    pub annotations: BTreeMap<String, Spanned<OneOrMore>>,
    pub severity: Option<Spanned<OneOrMore>>,
    #[serde(default)]
    pub severities: BTreeMap<String, Spanned<String>>,
    pub summary: Option<Spanned<OneOrMore>>,
    pub occurred_at: Option<Spanned<OneOrMore>>,
    pub time_format: Option<Spanned<String>>,
    pub time_zone: Option<Spanned<String>>,
    pub value: Option<Spanned<OneOrMore>>,
    pub generator_url: Option<Spanned<OneOrMore>>,
    pub expires: Option<Spanned<String>>,
    #[serde(default)]
    pub samples: Vec<SampleText>,
}

/// Named expressions in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct InOrder(pub Vec<(Spanned<String>, Spanned<OneOrMore>)>);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrderVisitor)
    }
}

struct InOrderVisitor;

impl<'de> Visitor<'de> for InOrderVisitor {
    type Value = InOrder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names with their expressions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(InOrder(all))
    }
}

/// How the source is reached over MQTT.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttText {
    pub topics: Vec<Spanned<String>>,
}

/// Payloads that this source must be able to read, as its format parses them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleText {
    pub firing: Option<Spanned<serde_json::Value>>,
    pub resolved: Option<Spanned<serde_json::Value>>,
    pub point: Option<Spanned<serde_json::Value>>,
    /// The topic that they came on.
    pub topic: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// One expression, or several of which the first that yields something counts.
#[derive(Debug, Clone)]
pub enum OneOrMore {
    One(String),
    More(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor)
    }
}

/// An untagged enum would lose the places of the list's entries.
struct OneOrMoreVisitor;

impl<'de> Visitor<'de> for OneOrMoreVisitor {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an expression as text, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<OneOrMore, A::Error> {
        let mut all = Vec::new();
        while let Some(text) = sequence.next_element()? {
            all.push(text);
        }
        Ok(OneOrMore::More(all))
    }
}
