//! Identifiers: partitions and offsets of the journal, fingerprints, the ids that people say on the phone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One ordered journal: 0–63 are correlators, 64 is the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(u8);

impl Partition {
    pub const CORRELATORS: u8 = 64;
    pub const DESK: Partition = Partition(64);
    /// The partition of every event while no correlation domain is configured.
    pub const DEFAULT: Partition = Partition(0);

    /// The partition with that number; `None` above 64.
    pub const fn new(number: u8) -> Option<Partition> {
        if number <= Partition::CORRELATORS { Some(Partition(number)) } else { None }
    }

    /// The correlator that owns a correlation domain: FNV-1a of its name, modulo 64.
    pub fn of_domain(domain: &str) -> Partition {
        Partition((super::hash::fnv1a(domain.as_bytes()) % u64::from(Partition::CORRELATORS)) as u8)
    }

    pub const fn number(self) -> u8 {
        self.0
    }

    pub const fn is_desk(self) -> bool {
        self.0 == Partition::CORRELATORS
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The position of an input in its partition's journal; the first is 0, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Offset(pub u64);

impl Offset {
    pub const fn next(self) -> Offset {
        Offset(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The input behind a decision, a notification or an id: partition, offset, and the number of the consequence (from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    pub partition: Partition,
    pub offset: Offset,
    pub n: u32,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.partition, self.offset, self.n)
    }
}

/// The identity of a label set, as Alertmanager computes it. Shown as 16 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id; expected {expected}")]
pub struct ParseIdError {
    pub text: String,
    pub expected: &'static str,
}

impl FromStr for Fingerprint {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let bad = || ParseIdError { text: text.chars().take(64).collect(), expected: "16 hex digits" };
        if text.len() != 16 {
            return Err(bad());
        }
        u64::from_str_radix(text, 16).map(Fingerprint).map_err(|_| bad())
    }
}

impl Serialize for Fingerprint {
    /// Text for people's formats (a JSON number would lose its last digits in a browser), the number for the journal's.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Fingerprint)
        }
    }
}

macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            /// Accepts the id with or without its prefix, in any case, because people type what they heard.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let upper = text.trim().to_ascii_uppercase();
                let digits = upper.strip_prefix($prefix).unwrap_or(&upper);
                digits.parse().map($name).map_err(|_| ParseIdError {
                    text: text.chars().take(64).collect(),
                    expected: concat!($prefix, "<number>"),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_u64(self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    u64::deserialize(deserializer).map($name)
                }
            }
        }
    };
}

numbered_id!(
    /// An incident's number, from a counter in the desk's state.
    IncidentId, "INC-");
numbered_id!(
    /// A problem's number.
    ProblemId, "PRB-");
numbered_id!(
    /// An inspection run's number.
    RunId, "RUN-");

/// A silence's UUID (version 8), derived from the input that created it, because nothing in the engine is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(u128);

impl SilenceId {
    pub fn from_cause(cause: Cause) -> SilenceId {
        let mut bytes = [0; 16];
        bytes[0] = cause.partition.number();
        bytes[1..5].copy_from_slice(&cause.n.to_be_bytes());
        bytes[8..].copy_from_slice(&cause.offset.0.to_be_bytes());
        // Byte 6 and 8 lose bits to version and variant; the offset stays below 2^62 and n below 2^32.
        SilenceId(uuid::Uuid::new_v8(bytes).as_u128())
    }
}

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", uuid::Uuid::from_u128(self.0))
    }
}

impl FromStr for SilenceId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        uuid::Uuid::parse_str(text)
            .map(|id| SilenceId(id.as_u128()))
            .map_err(|_| ParseIdError { text: text.chars().take(64).collect(), expected: "a UUID" })
    }
}

impl Serialize for SilenceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u128(self.0) }
    }
}

impl<'de> Deserialize<'de> for SilenceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            u128::deserialize(deserializer).map(SilenceId)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_what_they_print() {
        assert_eq!("INC-12".parse::<IncidentId>().unwrap(), IncidentId(12));
        assert_eq!("inc-12".parse::<IncidentId>().unwrap().to_string(), "INC-12");
        assert!("PRB-1".parse::<IncidentId>().is_err());
        let cause = Cause { partition: Partition::DEFAULT, offset: Offset(7), n: 1 };
        let id = SilenceId::from_cause(cause);
        assert_eq!(id.to_string().parse::<SilenceId>().unwrap(), id);
        let other = SilenceId::from_cause(Cause { offset: Offset(8), ..cause });
        assert_ne!(id, other);
    }

    #[test]
    fn fingerprints_are_hex_digits_for_people_and_numbers_in_the_journal() {
        let fingerprint = Fingerprint(0x00ab_cdef_0123_4567);
        let json = serde_json::to_string(&fingerprint).unwrap();
        assert_eq!(json, r#""00abcdef01234567""#);
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), fingerprint);
        let bytes = postcard::to_allocvec(&fingerprint).unwrap();
        assert_eq!(postcard::from_bytes::<Fingerprint>(&bytes).unwrap(), fingerprint);
    }
}
