//! A source as its file spells it, every value with its place in the file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::core::rules::syntax::json_schema::{
    FormatWord, LengthOfTime, SeverityWord, SourceName, SplitWord, StatusWord,
};
use crate::core::rules::syntax::spanned::Spanned;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// One entry of the `sources:` section.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSyntax {
    /// Part of the URL: POST /api/v1/sources/NAME.
    #[schemars(with = "SourceName")]
    pub name: Spanned<String>,
    /// Its access over MQTT.
    pub mqtt: Option<MqttSyntax>,
    /// Format of the payload; default: json.
    #[schemars(with = "Option<FormatWord>")]
    pub format: Option<Spanned<String>>,
    /// The encoding of a payload that is not UTF-8, as browsers name them: gbk, gb18030, big5, windows-1252. Else what
    /// the Content-Type says.
    pub encoding: Option<Spanned<String>>,
    /// Text in front of the tool's JSON.
    pub unwrap: Option<Spanned<String>>,
    /// Members, at any depth, whose text is JSON itself and is read as that.
    #[schemars(with = "Vec<Spanned<String>>")]
    #[serde(default)]
    pub nested_json: Vec<String>,
    /// Of a text: how it is cut into items; the whole is one unless given.
    #[schemars(with = "Option<SplitWord>")]
    pub split: Option<Spanned<String>>,
    /// Of a text: regular expressions, of which the first that fits gives its named groups as members of the item.
    pub patterns: Option<Spanned<OneOrMore>>,
    /// Of a text: a regular expression with the groups `name` and `value`; all places that fit are the members of
    /// `item.pairs`.
    pub pairs: Option<Spanned<String>>,
    /// A list of items; without it a list is its items, and anything else is one item.
    pub each: Option<Spanned<OneOrMore>>,
    /// Values for several expressions, as `parts.NAME`; later ones see earlier ones.
    #[serde(default)]
    pub parts: InOrder,
    /// If any of them is true, the item gives no event.
    pub skip_when: Option<Spanned<OneOrMore>>,
    /// The producer's own id, which deduplicates points.
    pub id: Option<Spanned<OneOrMore>>,
    /// The status, or a word of `statuses`; without it a severity of cleared means resolved.
    pub status: Option<Spanned<OneOrMore>>,
    /// The tool's words, and their meanings.
    #[schemars(with = "BTreeMap<String, StatusWord>")]
    #[serde(default)]
    pub statuses: BTreeMap<String, Spanned<String>>,
    /// An object; its scalars become labels.
    pub labels_from: Option<Spanned<OneOrMore>>,
    /// Labels of `labels_from` to drop.
    #[schemars(with = "Vec<Spanned<String>>")]
    #[serde(default)]
    pub drop_labels: Vec<String>,
    /// The identity of the alert: only values that firing and clear share.
    #[serde(default)]
    pub labels: BTreeMap<String, Spanned<OneOrMore>>,
    /// An object; its scalars become annotations.
    pub annotations_from: Option<Spanned<OneOrMore>>,
    /// Further data.
    #[serde(default)]
    pub annotations: BTreeMap<String, Spanned<OneOrMore>>,
    /// The severity, or a word of `severities`.
    pub severity: Option<Spanned<OneOrMore>>,
    /// The tool's words, and their meanings; without it the words that tools commonly use.
    #[schemars(with = "BTreeMap<String, SeverityWord>")]
    #[serde(default)]
    pub severities: BTreeMap<String, Spanned<String>>,
    /// The summary; without it the annotation summary, description or message.
    pub summary: Option<Spanned<OneOrMore>>,
    /// RFC 3339, or seconds, milli-, micro- or nanoseconds since 1970.
    pub occurred_at: Option<Spanned<OneOrMore>>,
    /// For times in another spelling, such as `%Y.%m.%d %H:%M:%S`.
    pub time_format: Option<Spanned<String>>,
    /// Time zone of such times; default: UTC.
    pub time_zone: Option<Spanned<String>>,
    /// A number.
    pub value: Option<Spanned<OneOrMore>>,
    /// A link back to the tool.
    pub generator_url: Option<Spanned<OneOrMore>>,
    /// The alert ends that long after its last message; without it a resolved message ends it.
    #[schemars(with = "Option<LengthOfTime>")]
    pub expires: Option<Spanned<String>>,
    /// Without a message for that long, it emits the event SourceSilent, which the next message ends. It watches from
    /// the first message on.
    #[schemars(with = "Option<LengthOfTime>")]
    pub silent_after: Option<Spanned<String>>,
    /// Labels of which each value is watched separately.
    #[schemars(with = "Vec<Spanned<String>>")]
    #[serde(default)]
    pub silent_by: Vec<String>,
    /// Payloads that must be readable, checked when the file is read.
    #[serde(default)]
    pub samples: Vec<SampleSyntax>,
}

/// Named expressions in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct InOrder(pub Vec<(Spanned<String>, Spanned<OneOrMore>)>);

impl JsonSchema for InOrder {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "InOrder".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, OneOrMore>::json_schema(generator)
    }
}

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

/// The source's access over MQTT.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttSyntax {
    /// Topics; `{site}` stands for one level and becomes a label.
    pub topics: Vec<Spanned<String>>,
}

/// Payloads that this source must be able to read: a text is a body as it comes, anything else what its format makes of
/// one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleSyntax {
    /// A payload that fires.
    pub firing: Option<Spanned<serde_json::Value>>,
    /// The payload that resolves it: one identity for both.
    pub resolved: Option<Spanned<serde_json::Value>>,
    /// A payload that is a point.
    pub point: Option<Spanned<serde_json::Value>>,
    /// The topic of the messages.
    #[schemars(with = "Option<Spanned<String>>")]
    pub topic: Option<String>,
    /// The headers of the requests.
    #[schemars(with = "BTreeMap<String, Spanned<String>>")]
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// One expression, or several of which the first with a value counts.
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

/// Matches the visitor below: a number alone is no text, in a list it is.
impl JsonSchema for OneOrMore {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMore".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<String>();
        let more = generator.subschema_for::<Vec<Spanned<String>>>();
        json_schema!({"anyOf": [one, more]})
    }
}

/// An untagged enum would lose the locations of the list's entries.
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
