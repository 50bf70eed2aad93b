//! What every channel told lately, and gathers now. Nothing gathered is lost.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::recipient::DigestRecipient;
use crate::core::engine::notification::NotificationKind;
use crate::core::model::{Cause, IncidentId, TimeDelta, Timestamp};
use crate::core::rules::DigestPolicy;

/// Digests whose delivery is waited for; the oldest are given up.
const UNDER_WAY_MAX: usize = 1_000;

/// Channels whose notices are counted before those that told nothing lately are forgotten.
const RECIPIENTS_KEPT: usize = 1_000;

/// The longest time that a policy looks back.
const LOOKED_BACK_MAX: TimeDelta = TimeDelta::from_days(1);

/// What every channel told lately, and gathers now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Digests {
    /// The number of the last digest.
    last: u64,
    /// When each told, at most as long ago and as often as its policy looks.
    told: BTreeMap<DigestRecipient, VecDeque<Timestamp>>,
    gathering: BTreeMap<DigestRecipient, DigestBuffer>,
    /// The incidents of digests whose delivery is not settled.
    under_way: BTreeMap<Cause, Vec<IncidentId>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DigestBuffer {
    tells_at: Timestamp,
    /// With the newest kind of notice of each.
    incidents: BTreeMap<IncidentId, NotificationKind>,
}

/// The incidents that a channel gathered, with the newest kind of notice of each.
pub type Gathered = BTreeMap<IncidentId, NotificationKind>;

impl Digests {
    /// Takes a notice if the channel gathers, or begins to with this one. What is told `alone` never waits, but counts.
    pub fn gathers(
        &mut self,
        to: &DigestRecipient,
        policy: DigestPolicy,
        alone: bool,
        incident: IncidentId,
        kind: NotificationKind,
        now: Timestamp,
    ) -> bool {
        if self.told.len() >= RECIPIENTS_KEPT && !self.told.contains_key(to) {
            self.told.retain(|_, told| told.back().is_some_and(|at| *at + LOOKED_BACK_MAX > now));
        }
        let told = self.told.entry(to.clone()).or_default();
        while told.front().is_some_and(|at| *at + policy.within <= now) {
            told.pop_front();
        }
        let is_full = told.len() >= policy.above as usize;
        let gathering = self.gathering.get_mut(to);
        if alone || (gathering.is_none() && !is_full) {
            if let Some(gathering) = gathering {
                gathering.incidents.remove(&incident);
            }
            if is_full {
                told.pop_front();
            }
            told.push_back(now);
            return false;
        }
        let begin = || DigestBuffer { tells_at: now + policy.every, incidents: BTreeMap::new() };
        self.gathering.entry(to.clone()).or_insert_with(begin).incidents.insert(incident, kind);
        true
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.gathering.values().map(|gathering| gathering.tells_at).min()
    }

    /// What a channel that is due has gathered. It goes on gathering while more than half of what it may tell came in.
    pub fn take_due(
        &mut self,
        policy: impl Fn(&DigestRecipient) -> DigestPolicy,
        now: Timestamp,
    ) -> Option<(DigestRecipient, Gathered)> {
        let to = self.gathering.iter().find(|(_, gathering)| gathering.tells_at <= now)?.0.clone();
        let mut gathering = self.gathering.remove(&to)?;
        let incidents = std::mem::take(&mut gathering.incidents);
        let policy = policy(&to);
        if incidents.len() > policy.above as usize / 2 {
            gathering.tells_at = now + policy.every;
            self.gathering.insert(to.clone(), gathering);
        }
        Some((to, incidents))
    }

    pub fn next_id(&mut self) -> String {
        self.last += 1;
        format!("DIG-{}", self.last)
    }

    pub fn went_out(&mut self, cause: Cause, incidents: Vec<IncidentId>) {
        self.under_way.insert(cause, incidents);
        if self.under_way.len() > UNDER_WAY_MAX {
            self.under_way.pop_first();
        }
    }

    /// Whose digest that was; once.
    pub fn settled(&mut self, cause: Cause) -> Vec<IncidentId> {
        self.under_way.remove(&cause).unwrap_or_default()
    }
}
