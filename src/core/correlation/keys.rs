//! Keys of what a correlator holds: rules by number, conditions by rule and key, storms by scope and value.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::model::{Labels, SectionKey};

/// A rule's number inside one correlator: given once to a name, so that keys stay small and survive a new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RuleId(pub u32);

impl RuleId {
    pub const CATCH_ALL: RuleId = RuleId(0);
}

/// A rule and the key it holds something under. Ordered by a hash first: nearly every comparison is one of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConditionKey {
    hash: u64,
    pub rule: RuleId,
    pub key: Labels,
}

impl ConditionKey {
    pub fn new(rule: RuleId, key: Labels) -> ConditionKey {
        let hash = key.fingerprint().0.wrapping_add(u64::from(rule.0).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        ConditionKey { hash, rule, key }
    }
}

impl Ord for ConditionKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash).then_with(|| self.rule.cmp(&other.rule)).then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for ConditionKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl SectionKey for ConditionKey {
    fn spread(&self) -> u64 {
        self.hash
    }
}

impl Serialize for ConditionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.rule, &self.key).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ConditionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (rule, key) = <(RuleId, Labels)>::deserialize(deserializer)?;
        Ok(ConditionKey::new(rule, key))
    }
}

/// A storm of the rule files and the place that it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StormKey {
    pub storm: String,
    pub scope: String,
    pub value: String,
}

impl StormKey {
    pub fn words(&self) -> String {
        format!("storm {} {}={}", self.storm, self.scope, self.value)
    }

    /// The key of its condition.
    pub fn labels(&self) -> Labels {
        Labels::from_pairs([(&self.scope, &self.value)])
    }
}
