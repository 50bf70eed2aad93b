//! Label sets: sorted, immutable, shared, with the fingerprint that Alertmanager gives them.

use super::hash::FNV_OFFSET;
use super::hash::fnv1a_more;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Fingerprint;

/// A set of name–value pairs, sorted by name, no empty values, no doubles. Cloning shares.
///
/// All text is in one allocation: an alert's labels cost their bytes plus 8 per pair.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(Arc<Pairs>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pairs {
    text: Box<str>,
    /// End positions of each name and its value in `text`.
    ends: Box<[(u32, u32)]>,
}

impl Labels {
    pub fn empty() -> Labels {
        static EMPTY: LazyLock<Labels> =
            LazyLock::new(|| Labels(Arc::new(Pairs { text: String::new().into(), ends: Vec::new().into() })));
        Labels::clone(&EMPTY)
    }

    /// Builds a set from pairs in any order; the last of two equal names wins.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Labels {
        let owned: std::collections::BTreeMap<String, String> =
            pairs.into_iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())).collect();
        let mut builder = LabelsBuilder::default();
        for (name, value) in &owned {
            builder.push(name, value);
        }
        builder.build().unwrap_or_else(|_| unreachable!("a map has no doubles"))
    }

    /// The value of that name; `None` if absent. In matching, absent and empty are the same.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        let pairs = &*self.0;
        (0..pairs.ends.len()).map(move |index| {
            let start = if index == 0 { 0 } else { pairs.ends[index - 1].1 };
            let (name_end, value_end) = pairs.ends[index];
            (&pairs.text[start as usize..name_end as usize], &pairs.text[name_end as usize..value_end as usize])
        })
    }

    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// Alertmanager's identity: FNV-1a 64 over `name 0xFF value 0xFF` in byte order of the names.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.iter().fold(FNV_OFFSET, |hash, (name, value)| {
            let hash = fnv1a_more(fnv1a_more(hash, name.as_bytes()), &[0xFF]);
            fnv1a_more(fnv1a_more(hash, value.as_bytes()), &[0xFF])
        }))
    }

    /// The set of the named labels that are present here.
    pub fn project<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> Labels {
        Labels::from_pairs(names.into_iter().filter_map(|name| self.get(name).map(|value| (name, value))))
    }

    /// The pairs that both sets hold with equal values.
    pub fn common(&self, other: &Labels) -> Labels {
        Labels::from_pairs(self.iter().filter(|(name, value)| other.get(name) == Some(value)))
    }

    /// This set with the pairs of `other` on top.
    pub fn with(&self, other: &Labels) -> Labels {
        Labels::from_pairs(self.iter().chain(other.iter()))
    }
}

impl Default for Labels {
    fn default() -> Self {
        Labels::empty()
    }
}

impl fmt::Display for Labels {
    /// `{alertname="LinkDown", site="GZ01"}`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A name that occurs twice in one label set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label {name:?} stands twice; names in one set must differ")]
pub struct ParseLabelsError {
    pub name: String,
}

/// Collects pairs on the hot path without an allocation per pair. Empty values are dropped.
#[derive(Default)]
pub struct LabelsBuilder {
    text: String,
    ends: Vec<(u32, u32)>,
    unsorted: bool,
}

impl LabelsBuilder {
    /// Reserves room for that many pairs and bytes of text, so that an ordinary alert needs no growth.
    pub fn with_capacity(pairs: usize, text_bytes: usize) -> LabelsBuilder {
        LabelsBuilder { text: String::with_capacity(text_bytes), ends: Vec::with_capacity(pairs), unsorted: false }
    }

    /// True if that character occurs in any name or value.
    pub fn contains(&self, character: char) -> bool {
        self.text.contains(character)
    }

    pub fn push(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if !self.unsorted && self.last_name().is_some_and(|last| last >= name) {
            self.unsorted = true;
        }
        self.text.push_str(name);
        let name_end = self.text.len() as u32;
        self.text.push_str(value);
        self.ends.push((name_end, self.text.len() as u32));
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The finished set, or the repeated name.
    pub fn build(self) -> Result<Labels, ParseLabelsError> {
        if self.unsorted {
            return self.build_sorted();
        }
        Ok(Labels(Arc::new(Pairs { text: self.text.into(), ends: self.ends.into() })))
    }

    /// The finished set; of a repeated name the value pushed last stays, as in a JSON object read by Go.
    pub fn build_last(self) -> Labels {
        let mut pairs = self.pairs();
        pairs.reverse();
        pairs.sort_by_key(|(name, _)| *name);
        pairs.dedup_by_key(|(name, _)| *name);
        let mut sorted = LabelsBuilder::with_capacity(pairs.len(), self.text.len());
        for (name, value) in pairs {
            sorted.push(name, value);
        }
        Labels(Arc::new(Pairs { text: sorted.text.into(), ends: sorted.ends.into() }))
    }

    /// The pairs in the order in which they were pushed.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut start = 0;
        let mut pairs = Vec::with_capacity(self.ends.len());
        for (name_end, value_end) in &self.ends {
            let (name_end, value_end) = (*name_end as usize, *value_end as usize);
            pairs.push((&self.text[start..name_end], &self.text[name_end..value_end]));
            start = value_end;
        }
        pairs
    }

    fn last_name(&self) -> Option<&str> {
        self.ends.last().map(|(name_end, _)| {
            let start = if self.ends.len() < 2 { 0 } else { self.ends[self.ends.len() - 2].1 };
            &self.text[start as usize..*name_end as usize]
        })
    }

    fn build_sorted(self) -> Result<Labels, ParseLabelsError> {
        let mut pairs = self.pairs();
        pairs.sort_unstable_by_key(|(name, _)| *name);
        if let Some(double) = pairs.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(ParseLabelsError { name: double[0].0.chars().take(64).collect() });
        }
        let mut sorted = LabelsBuilder::with_capacity(pairs.len(), self.text.len());
        for (name, value) in pairs {
            sorted.push(name, value);
        }
        sorted.build()
    }
}

impl Serialize for Labels {
    /// A map for people's formats, a flat sequence of texts for the journal's.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let mut map = serializer.serialize_map(Some(self.len()))?;
            for (name, value) in self.iter() {
                map.serialize_entry(name, value)?;
            }
            map.end()
        } else {
            let mut sequence = serializer.serialize_seq(Some(self.len() * 2))?;
            for (name, value) in self.iter() {
                sequence.serialize_element(name)?;
                sequence.serialize_element(value)?;
            }
            sequence.end()
        }
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_map(LabelsVisitor)
        } else {
            deserializer.deserialize_seq(LabelsVisitor)
        }
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of label names and text values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut builder = LabelsBuilder::default();
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let value = map.next_value::<std::borrow::Cow<'de, str>>()?;
            builder.push(&name, &value);
        }
        builder.build().map_err(serde::de::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Labels, A::Error> {
        let mut builder = LabelsBuilder::default();
        while let Some(name) = sequence.next_element::<&'de str>()? {
            let value = sequence.next_element::<&'de str>()?.unwrap_or_default();
            builder.push(name, value);
        }
        builder.build().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], fingerprint: &str) {
        assert_eq!(Labels::from_pairs(pairs.iter().copied()).fingerprint().to_string(), fingerprint);
    }

    #[test]
    fn fingerprints_agree_with_alertmanager() {
        check(&[("a", "x")], "d2c7718192a8a294");
        check(&[("alertname", "C"), ("host", "h1"), ("severity", "critical"), ("team", "b")], "44e3c95928c04717");
        check(&[("severity", "warning"), ("alertname", "A"), ("team", "a"), ("host", "h1")], "afbd6e12e3eee3af");
        check(&[], "cbf29ce484222325");
    }

    #[test]
    fn pairs_in_any_order_make_one_set_and_doubles_are_named() {
        let mut builder = LabelsBuilder::default();
        for (name, value) in [("b", "2"), ("a", "1"), ("c", "")] {
            builder.push(name, value);
        }
        let labels = builder.build().unwrap();
        assert_eq!(labels, Labels::from_pairs([("a", "1"), ("b", "2")]));
        assert_eq!(labels.to_string(), r#"{a="1", b="2"}"#);
        let mut builder = LabelsBuilder::default();
        builder.push("a", "1");
        builder.push("a", "2");
        assert_eq!(builder.build().unwrap_err().name, "a");
    }

    #[test]
    fn both_encodings_read_back() {
        let labels = Labels::from_pairs([("site", "广州"), ("device", "sw3")]);
        let json = serde_json::to_string(&labels).unwrap();
        assert_eq!(json, r#"{"device":"sw3","site":"广州"}"#);
        assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);
        let bytes = postcard::to_allocvec(&labels).unwrap();
        assert_eq!(postcard::from_bytes::<Labels>(&bytes).unwrap(), labels);
    }
}
