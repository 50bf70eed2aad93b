//! What must hold of the desk's state after every input, whatever it was.

use std::collections::BTreeMap;

use super::state::DeskState;
use crate::core::model::{Fingerprint, Severity};

/// Every broken invariant of the incidents and their indexes, in words; empty when all is well.
pub fn broken_invariants(desk: &DeskState) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, incident) in desk.kept.incidents.iter() {
        let record = &incident.record;
        if record.state.is_open() && incident.next_deadline().is_none() && incident.climb.unarmed().is_none() {
            broken.push(format!("{id} is open without a deadline or a reason why not"));
        }
        if desk.armed_at(*id) != incident.next_deadline() {
            broken.push(format!("{id}: the deadline index disagrees with its record"));
        }
        let firing = incident.members.values().filter(|member| member.firing).count() as u64;
        if firing != record.firing || record.firing > record.alerts {
            broken.push(format!("{id}: {firing} members fire, its record says {}", record.firing));
        }
        let mut counted: BTreeMap<(Fingerprint, Severity), u32> = BTreeMap::new();
        for member in incident.members.values().filter(|member| member.firing) {
            *counted.entry((member.condition, member.severity)).or_default() += 1;
        }
        let parts = incident.parts.iter().flat_map(|(condition, part)| {
            part.firing.iter().map(move |(severity, count)| ((*condition, *severity), *count))
        });
        let known = |((condition, _), _): &((Fingerprint, Severity), u32)| incident.parts.contains_key(condition);
        if parts.ne(counted.into_iter().filter(known)) {
            broken.push(format!("{id}: its parts count other members than it has"));
        }
        if record.state.is_open() && record.held.as_deref() != incident.held_by() {
            broken.push(format!(
                "{id} says it is held by {:?}, its conditions by {:?}",
                record.held,
                incident.held_by()
            ));
        }
        if record.id.0 > desk.kept.core.next_incident {
            broken.push(format!("{id} is beyond the counter"));
        }
    }
    broken
}
