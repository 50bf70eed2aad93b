//! The JSON of `POST /api/v2/alerts`, read in one pass with borrowed text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::core::model::{BoundedPairs, EVENTS_MAX, Labels, PairsOf, Stamp, TEXT_MAX_BYTES, Timestamp, bounded_text};
use crate::ingest::lenient_json::{Given, MemberName, PairsSeed, ValueKinds};

/// Year 1 in UTC: an unset time in Go's clients.
const ZERO_TIME: Timestamp = Timestamp::from_seconds(-62_135_596_800);

/// One element of the request.
pub(super) enum Element {
    Alert(Posted),
    Null,
    /// A malformed member.
    Malformed(String),
}

/// An alert as sent. Unknown members are ignored.
pub(super) struct Posted {
    /// `None`: missing or null.
    pub labels: Option<Result<Labels, String>>,
    pub annotations: Result<Labels, String>,
    pub starts_at: Option<Stamp>,
    pub ends_at: Option<Stamp>,
    pub generator_url: String,
}

/// Passes every element of the body to `take`, in order; fails if the body is not a list, or is incomplete.
pub(super) fn parse(body: &str, take: impl FnMut(Element)) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(body);
    json.deserialize_any(ListVisitor { take })?;
    json.end()
}

struct ListVisitor<F> {
    take: F,
}

impl<'de, F: FnMut(Element)> Visitor<'de> for ListVisitor<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(element) = sequence.next_element_seed(ElementSeed)? {
            count += 1;
            if count > EVENTS_MAX {
                return Err(A::Error::custom(format!(
                    "more than {EVENTS_MAX} alerts in one request; send fewer at once"
                )));
            }
            (self.take)(element);
        }
        Ok(())
    }
}

struct ElementSeed;

impl<'de> DeserializeSeed<'de> for ElementSeed {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn not_an_object<E>(found: &str) -> Result<Element, E> {
    Ok(Element::Malformed(format!(" is {found}; expected an alert object")))
}

impl<'de> Visitor<'de> for ElementSeed {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an alert object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let mut reading = AlertFields::default();
        while let Some(MemberName(name)) = map.next_key::<MemberName<'de>>()? {
            match &*name {
                "labels" => reading.labels(&mut map)?,
                "annotations" => reading.annotations(&mut map)?,
                "startsAt" => reading.starts_at = reading.time("startsAt", map.next_value()?),
                "endsAt" => reading.ends_at = reading.time("endsAt", map.next_value()?),
                "generatorURL" => reading.generator_url(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(reading.finish())
    }

    fn visit_unit<E: Error>(self) -> Result<Element, E> {
        Ok(Element::Null)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Element, E> {
        not_an_object("text")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Element, E> {
        not_an_object("a boolean")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Element, E> {
        not_an_object("a number")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Element, E> {
        not_an_object("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Element, E> {
        not_an_object("a number")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Element, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        not_an_object("a list")
    }
}

/// An alert while its members are parsed.
#[derive(Default)]
struct AlertFields {
    labels: Option<BoundedPairs>,
    annotations: Option<BoundedPairs>,
    starts_at: Option<Stamp>,
    ends_at: Option<Stamp>,
    generator_url: String,
    malformed: Option<String>,
}

impl AlertFields {
    fn labels<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        self.labels = read_pairs(map, "labels", PairsOf::Labels, &mut self.malformed)?;
        Ok(())
    }

    fn annotations<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        self.annotations = read_pairs(map, "annotations", PairsOf::Annotations, &mut self.malformed)?;
        Ok(())
    }

    /// Null, empty text and the zero time all mean "not set".
    fn time(&mut self, member: &str, given: Given<'_>) -> Option<Stamp> {
        let text = match &given {
            Given::Null => return None,
            Given::Text(text) if text.is_empty() => return None,
            Given::Text(text) => text,
            other => {
                self.malformed.get_or_insert(format!(".{member} is {}; expected a time as text", other.kind()));
                return None;
            }
        };
        match text.parse::<Stamp>() {
            Ok(stamp) => Some(stamp).filter(|stamp| stamp.at != ZERO_TIME),
            Err(error) => {
                self.malformed.get_or_insert(format!(".{member}: {error}"));
                None
            }
        }
    }

    fn generator_url(&mut self, given: Given<'_>) {
        match given {
            Given::Null => self.generator_url.clear(),
            Given::Text(text) => self.generator_url = bounded_text(&text, TEXT_MAX_BYTES).into_owned(),
            other => {
                self.malformed.get_or_insert(format!(".generatorURL is {}; expected text", other.kind()));
            }
        }
    }

    fn finish(self) -> Element {
        if let Some(malformed) = self.malformed {
            return Element::Malformed(malformed);
        }
        Element::Alert(Posted {
            labels: self.labels.map(BoundedPairs::finish),
            annotations: self.annotations.map_or_else(|| Ok(Labels::empty()), BoundedPairs::finish),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            generator_url: self.generator_url,
        })
    }
}

fn read_pairs<'de, A: MapAccess<'de>>(
    map: &mut A,
    member: &'static str,
    of: PairsOf,
    malformed: &mut Option<String>,
) -> Result<Option<BoundedPairs>, A::Error> {
    let mut pairs = BoundedPairs::last_wins(of);
    let mut wrong_type = None;
    let seed = PairsSeed { member, values: ValueKinds::TextOrNull, pairs: &mut pairs, wrong_type: &mut wrong_type };
    let given = map.next_value_seed(seed)?;
    if let Some(wrong) = wrong_type {
        malformed.get_or_insert(format!(".{wrong}"));
    }
    Ok(given.then_some(pairs))
}
