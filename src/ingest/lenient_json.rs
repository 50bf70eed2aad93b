//! Lenient JSON: accepts any value where text is expected, without giving up on the rest of the request.
//!
//! A wrong type is recorded with its item and parsing goes on; only broken syntax ends a request. Text is borrowed from
//! the body, so that labels go from it into their set without an allocation each.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::core::model::{BoundedPairs, excerpt};

/// A member's name, borrowed if it contains no escapes.
#[derive(Deserialize)]
pub(super) struct MemberName<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The value found where text was expected. Lists and objects are skipped, whatever their depth.
pub(super) enum Given<'a> {
    Null,
    Text(Cow<'a, str>),
    Bool,
    Number(serde_json::Number),
    List,
    Object,
}

impl Given<'_> {
    /// Its kind, for an error message.
    pub fn kind(&self) -> &'static str {
        match self {
            Given::Null => "null",
            Given::Text(_) => "text",
            Given::Bool => "a boolean",
            Given::Number(_) => "a number",
            Given::List => "a list",
            Given::Object => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Given<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Given::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Given::Bool)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Given::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Given::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Given::Null, Given::Number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Given::Object)
    }
}

/// The value types that a set of pairs accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKinds {
    /// Text; null counts as empty text, as in Go.
    TextOrNull,
    /// Text only: a number as a label has several spellings, and so several identities.
    Text,
    /// Every type: scalars as their text, lists and objects as their JSON.
    Anything,
}

/// Reads an object into a set of pairs; returns true if there was one (`false` for null).
pub(super) struct PairsSeed<'p> {
    pub member: &'static str,
    pub values: ValueKinds,
    pub pairs: &'p mut BoundedPairs,
    /// Set to the first value of a wrong type.
    pub wrong_type: &'p mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for PairsSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl PairsSeed<'_> {
    fn not_an_object<E>(self, found: &'static str) -> Result<bool, E> {
        self.wrong_type.get_or_insert(format!("{} is {found}; expected an object of names and texts", self.member));
        Ok(true)
    }
}

impl<'de> Visitor<'de> for PairsSeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names and texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(MemberName(name)) = map.next_key::<MemberName<'de>>()? {
            if self.values == ValueKinds::Anything {
                push_raw(self.pairs, &name, map.next_value::<&'de RawValue>()?);
                continue;
            }
            match map.next_value::<Given<'de>>()? {
                Given::Text(text) => self.pairs.push(&name, &text),
                Given::Null if self.values == ValueKinds::TextOrNull => {}
                other => {
                    let (member, kind) = (self.member, other.kind());
                    let wrong = || format!("{member}.{} is {kind}; expected text in quotes", excerpt(&name));
                    self.wrong_type.get_or_insert_with(wrong);
                }
            }
        }
        Ok(true)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        self.not_an_object("text")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        self.not_an_object("a boolean")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        self.not_an_object("a number")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        self.not_an_object("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        self.not_an_object("a number")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<bool, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        self.not_an_object("a list")
    }
}

/// Adds any JSON value as a pair's text: null is no pair, a list or an object is its JSON.
pub(super) fn push_raw(pairs: &mut BoundedPairs, name: &str, raw: &RawValue) {
    match raw.get().as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<MemberName<'_>>(raw.get()) {
            Ok(MemberName(text)) => pairs.push(name, &text),
            Err(error) => pairs.refuse(|| format!("{}: {error}", excerpt(name))),
        },
        Some(b'n') | None => {}
        Some(_) => pairs.push(name, raw.get()),
    }
}
