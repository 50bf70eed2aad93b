//! Who holds what, and what waits: indexes over the incidents, made again from them after a restore.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::engine::desk::incident::DeskIncident;
use crate::core::model::{IncidentId, Priority, ShardedMap, Timestamp};

/// What one person holds of open incidents, and the queue in the order in which it is served.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Workload {
    held: BTreeMap<String, BTreeSet<IncidentId>>,
    holder: BTreeMap<IncidentId, String>,
    queue: BTreeSet<QueuePosition>,
    queued: BTreeMap<IncidentId, QueuePosition>,
    /// Loads above a limit that dispatch did not make: a lowered limit, an own acknowledgement, a reopening. They only
    /// ever sink.
    admitted: BTreeMap<String, u32>,
    /// Somebody may be able to take more than before; looked at before the input ends.
    pub freed: bool,
}

/// A place in the queue: the most urgent first, of those the one that has waited longest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct QueuePosition {
    pub priority: Priority,
    pub since: Timestamp,
    pub id: IncidentId,
}

impl Workload {
    pub fn of(incidents: &ShardedMap<IncidentId, DeskIncident>) -> Workload {
        let mut hands = Workload::default();
        for (id, incident) in incidents.iter() {
            hands.note(*id, Some(incident));
        }
        hands.admitted = hands.held.iter().map(|(person, held)| (person.clone(), held.len() as u32)).collect();
        hands.freed = false;
        hands
    }

    /// Brings the indexes in line with an incident; answers who got it just now, if anybody did.
    pub fn note(&mut self, id: IncidentId, incident: Option<&DeskIncident>) -> Option<String> {
        let open = incident.map(|incident| &incident.record).filter(|record| record.state.is_open());
        let holder = open.and_then(|record| record.assignee.clone());
        let place = open.and_then(|record| {
            let since = record.waiting.as_ref()?.since;
            Some(QueuePosition { priority: record.priority, since, id })
        });
        if self.queued.get(&id) != place.as_ref() {
            if let Some(before) = self.queued.remove(&id) {
                self.queue.remove(&before);
            }
            if let Some(place) = place {
                self.queue.insert(place);
                self.queued.insert(id, place);
            }
        }
        if self.holder.get(&id) == holder.as_ref() {
            return None;
        }
        if let Some(before) = self.holder.remove(&id) {
            self.let_go(id, &before);
        }
        if let Some(person) = &holder {
            self.held.entry(person.clone()).or_default().insert(id);
            self.holder.insert(id, person.clone());
        }
        holder
    }

    fn let_go(&mut self, id: IncidentId, person: &str) {
        self.freed = true;
        let Some(held) = self.held.get_mut(person) else { return };
        held.remove(&id);
        let load = held.len() as u32;
        if held.is_empty() {
            self.held.remove(person);
        }
        if let Some(admitted) = self.admitted.get_mut(person) {
            *admitted = load.min(*admitted);
            if load == 0 {
                self.admitted.remove(person);
            }
        }
    }

    /// Somebody else than dispatch put a person there where they are.
    pub fn admit(&mut self, person: &str) {
        let load = self.load(person);
        let admitted = self.admitted.entry(person.to_owned()).or_default();
        *admitted = load.max(*admitted);
    }

    /// Every load as it is, after a change of limits.
    pub fn admit_all(&mut self) {
        self.admitted = self.held.iter().map(|(person, held)| (person.clone(), held.len() as u32)).collect();
    }

    /// The highest load that dispatch need not answer for.
    pub fn admitted(&self, person: &str) -> u32 {
        self.admitted.get(person).copied().unwrap_or(0)
    }

    /// How many open incidents a person holds.
    pub fn load(&self, person: &str) -> u32 {
        self.held.get(person).map_or(0, |held| held.len() as u32)
    }

    pub fn loads(&self) -> impl Iterator<Item = (&str, u32)> {
        self.held.iter().map(|(person, held)| (person.as_str(), held.len() as u32))
    }

    pub fn held_by<'a>(&'a self, person: &str) -> impl Iterator<Item = IncidentId> + 'a {
        self.held.get(person).into_iter().flatten().copied()
    }

    /// Every open incident with its holder, by id.
    pub fn holders(&self) -> impl Iterator<Item = (IncidentId, &str)> {
        self.holder.iter().map(|(id, person)| (*id, person.as_str()))
    }

    pub fn queue(&self) -> impl Iterator<Item = QueuePosition> {
        self.queue.iter().copied()
    }

    pub fn is_queued(&self, id: IncidentId) -> bool {
        self.queued.contains_key(&id)
    }

    /// The same but for what only sinks: whether the indexes say what the incidents do.
    pub fn agrees_with(&self, other: &Workload) -> bool {
        (&self.held, &self.holder, &self.queue, &self.queued)
            == (&other.held, &other.holder, &other.queue, &other.queued)
    }
}
