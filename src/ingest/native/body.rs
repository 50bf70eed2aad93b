//! The JSON of native events, read in one pass with borrowed text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::core::model::{
    BoundedPairs, EVENTS_MAX, Event, ID_MAX_BYTES, PairsOf, Severity, Status, TEXT_MAX_BYTES, Timestamp, bounded_text,
    excerpt,
};
use crate::ingest::lenient_json::{Given, MemberName, PairsSeed, ValueKinds, push_raw};

/// Passes every item of the payload to `take`, in order; fails only on broken syntax or too many items.
pub(super) fn parse(payload: &str, take: impl FnMut(Result<Event, String>)) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(payload);
    json.deserialize_any(PayloadVisitor { take })?;
    json.end()
}

struct PayloadVisitor<F> {
    take: F,
}

impl<'de, F: FnMut(Result<Event, String>)> Visitor<'de> for PayloadVisitor<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event object or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        (self.take)(read_event(map)?);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(item) = sequence.next_element_seed(ItemSeed)? {
            count += 1;
            if count > EVENTS_MAX {
                return Err(A::Error::custom(format!(
                    "more than {EVENTS_MAX} events in one request; send fewer at once"
                )));
            }
            (self.take)(item);
        }
        Ok(())
    }
}

struct ItemSeed;

impl<'de> DeserializeSeed<'de> for ItemSeed {
    type Value = Result<Event, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn not_an_object<E>(found: &str) -> Result<Result<Event, String>, E> {
    Ok(Err(format!("the item is {found}; expected an event object")))
}

impl<'de> Visitor<'de> for ItemSeed {
    type Value = Result<Event, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        read_event(map)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        not_an_object("null")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        not_an_object("text")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        not_an_object("a boolean")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        not_an_object("a number")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        not_an_object("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        not_an_object("a number")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        not_an_object("a list")
    }
}

fn read_event<'de, A: MapAccess<'de>>(mut map: A) -> Result<Result<Event, String>, A::Error> {
    let mut reading = EventFields::new();
    while let Some(MemberName(name)) = map.next_key::<MemberName<'de>>()? {
        match &*name {
            "labels" => reading.labels(&mut map)?,
            "annotations" => reading.annotations(&mut map)?,
            "id" => reading.id(map.next_value()?),
            "status" => reading.status(map.next_value()?),
            "severity" => reading.severity(map.next_value()?),
            "summary" => reading.summary = reading.text("summary", map.next_value()?),
            "generator_url" => reading.generator_url = reading.text("generator_url", map.next_value()?),
            "occurred_at" => reading.occurred_at(map.next_value()?),
            "ts" => reading.ts(map.next_value()?),
            "value" => reading.value(map.next_value()?),
            _ => push_raw(&mut reading.annotations, &name, map.next_value::<&'de RawValue>()?),
        }
    }
    Ok(reading.finish())
}

/// An event while its members are parsed; the first error is kept.
struct EventFields {
    labels: Option<BoundedPairs>,
    annotations: BoundedPairs,
    id: Option<String>,
    status: Option<Status>,
    severity: Option<Severity>,
    summary: String,
    generator_url: String,
    occurred_at: Option<Timestamp>,
    /// The same by its short name.
    ts: Option<Timestamp>,
    value: Option<f64>,
    wrong: Option<String>,
}

impl EventFields {
    fn new() -> EventFields {
        EventFields {
            labels: None,
            annotations: BoundedPairs::new(PairsOf::Annotations),
            id: None,
            status: None,
            severity: None,
            summary: String::new(),
            generator_url: String::new(),
            occurred_at: None,
            ts: None,
            value: None,
            wrong: None,
        }
    }

    fn labels<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        let mut pairs = BoundedPairs::new(PairsOf::Labels);
        let given = map.next_value_seed(PairsSeed {
            member: "labels",
            values: ValueKinds::Text,
            pairs: &mut pairs,
            wrong_type: &mut self.wrong,
        })?;
        self.labels = given.then_some(pairs);
        Ok(())
    }

    fn annotations<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        map.next_value_seed(PairsSeed {
            member: "annotations",
            values: ValueKinds::Anything,
            pairs: &mut self.annotations,
            wrong_type: &mut self.wrong,
        })?;
        Ok(())
    }

    fn refuse(&mut self, reason: String) {
        self.wrong.get_or_insert(reason);
    }

    fn text(&mut self, member: &str, given: Given<'_>) -> String {
        match given {
            Given::Null => String::new(),
            Given::Text(text) => bounded_text(&text, TEXT_MAX_BYTES).into_owned(),
            other => {
                self.refuse(format!("{member} is {}; expected text in quotes", other.kind()));
                String::new()
            }
        }
    }

    fn id(&mut self, given: Given<'_>) {
        let id = match given {
            Given::Number(number) => number.to_string(),
            other => self.text("id", other),
        };
        if id.len() > ID_MAX_BYTES {
            self.refuse(format!("id is {} bytes long; at most {ID_MAX_BYTES}", id.len()));
        }
        self.id = Some(id).filter(|id| !id.is_empty());
    }

    fn status(&mut self, given: Given<'_>) {
        let word = match given {
            Given::Null => return,
            Given::Text(word) => word,
            other => return self.refuse(format!("status is {}; expected firing, resolved or point", other.kind())),
        };
        self.status = Status::from_word(&word);
        if self.status.is_none() {
            self.refuse(format!("status {:?} is not known; expected firing, resolved or point", excerpt(&word)));
        }
    }

    fn severity(&mut self, given: Given<'_>) {
        let word = self.text("severity", given);
        if word.is_empty() {
            return;
        }
        self.severity = Severity::from_tool_word(&word);
        if self.severity.is_none() {
            let expected = "critical, major, minor, warning, indeterminate or cleared";
            self.refuse(format!("severity {:?} is not known; expected {expected}", excerpt(&word)));
        }
    }

    fn occurred_at(&mut self, given: Given<'_>) {
        let text = self.text("occurred_at", given);
        if text.is_empty() {
            return;
        }
        match text.parse() {
            Ok(moment) => self.occurred_at = Some(moment),
            Err(error) => self.refuse(format!("occurred_at: {error}")),
        }
    }

    /// A time like `occurred_at`; any other value becomes an annotation like other members.
    fn ts(&mut self, raw: &RawValue) {
        match serde_json::from_str::<MemberName<'_>>(raw.get()).ok().and_then(|MemberName(text)| text.parse().ok()) {
            Some(moment) => self.ts = Some(moment),
            None => push_raw(&mut self.annotations, "ts", raw),
        }
    }

    fn value(&mut self, given: Given<'_>) {
        match given {
            Given::Null => {}
            Given::Number(number) => self.value = number.as_f64(),
            other => self.refuse(format!("value is {}; expected a number", other.kind())),
        }
    }

    fn finish(self) -> Result<Event, String> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let missing = || "labels is missing; every event needs at least one label".to_owned();
        let labels = self.labels.ok_or_else(missing)?.finish()?;
        if labels.is_empty() {
            return Err("labels is empty; every event needs at least one label".to_owned());
        }
        let cleared = self.severity == Some(Severity::Cleared);
        let status = self.status.unwrap_or(if cleared { Status::Resolved } else { Status::Firing });
        Ok(Event {
            id: self.id,
            severity: self.severity,
            summary: self.summary,
            annotations: self.annotations.finish()?,
            occurred_at: self.occurred_at.or(self.ts),
            value: self.value,
            generator_url: self.generator_url,
            ..Event::new(SOURCE, status, labels)
        })
    }
}

/// Source name of these events.
pub const SOURCE: &str = "native";
