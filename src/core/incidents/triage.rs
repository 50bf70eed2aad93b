//! What first line records: triage, steps of the playbook, and what a hand-back needs.

use super::refusal::{refusal, require_text};
use super::support_log::FIELD_MAX_BYTES;
use super::support_log::FIELDS_MAX;
use super::{Incident, IncidentState, TransitionRefused};
use crate::core::model::Timestamp;
use std::collections::BTreeMap;

impl Incident {
    /// Writes triage fields; an existing one is replaced.
    pub fn triage(&mut self, fields: &BTreeMap<String, String>) -> Result<(), TransitionRefused> {
        self.require_open("triage")?;
        if fields.is_empty() {
            return Err(refusal("triage", self.id, "no field is given, for example symptom"));
        }
        for (name, value) in fields {
            if name.trim().is_empty() || name.len() > FIELD_MAX_BYTES {
                let why = format!("{name:?} is not a field; a name has 1 to {FIELD_MAX_BYTES} bytes");
                return Err(refusal("triage", self.id, &why));
            }
            require_text(value, "triage", &format!("a text for {name}"))?;
        }
        let new = fields.keys().filter(|name| !self.support.triage.contains_key(*name)).count();
        if self.support.triage.len() + new > FIELDS_MAX {
            return Err(refusal("triage", self.id, &format!("it would have more than {FIELDS_MAX} fields")));
        }
        self.support.triage.extend(fields.clone());
        Ok(())
    }

    /// Checks if a person may hand it back to a lower tier for that reason.
    pub fn may_hand_back(&self, reason: &str) -> Result<(), TransitionRefused> {
        self.require_open("hand back")?;
        if self.state == IncidentState::Pending {
            return Err(refusal("hand back", self.id, "it is pending; resume it first"));
        }
        require_text(reason, "hand back", "why")
    }

    /// Marks a playbook step as done by a person. Steps may be ticked in any order, each once.
    pub fn tick(
        &mut self,
        now: Timestamp,
        actor: &str,
        name: &str,
        note: Option<&str>,
    ) -> Result<(), TransitionRefused> {
        self.require_open("tick")?;
        let id = self.id;
        let Some(playbook) = &mut self.support.playbook else {
            return Err(refusal("tick", id, "its rule has no playbook"));
        };
        let known = playbook.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ");
        let Some(step) = playbook.steps.iter_mut().find(|step| step.name == name) else {
            return Err(refusal("tick", id, &format!("there is no step {name:?}; there are {known}")));
        };
        if let Some(by) = &step.ticked_by {
            return Err(refusal("tick", id, &format!("{by} has done {name} already")));
        }
        let note = note.map(str::trim).filter(|note| !note.is_empty());
        if step.evidence && note.is_none() {
            return Err(refusal("tick", id, &format!("the step {name} demands a note: what was seen")));
        }
        step.ticked_by = Some(actor.to_owned());
        step.ticked_at = Some(now);
        step.note = note.map(str::to_owned);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OpenPlaybook, SupportLog};
    use super::*;
    use crate::core::incidents::sample;
    use crate::core::rules::{Playbook, PlaybookStep};

    fn with_playbook() -> Incident {
        let step = |name: &str, evidence| PlaybookStep { name: name.to_owned(), title: name.to_owned(), evidence };
        let steps = vec![step("查光功率", true), step("call the carrier", false)];
        let playbook = Playbook { name: "链路".to_owned(), title: "链路中断处置".to_owned(), steps };
        let support = SupportLog { playbook: Some(OpenPlaybook::from(&playbook)), ..SupportLog::default() };
        Incident { support, ..sample() }
    }

    #[test]
    fn a_step_is_ticked_once_and_with_the_evidence_that_it_demands() {
        let mut incident = with_playbook();
        let mut refused = |name: &str, note: Option<&str>, why: &str| {
            let not = incident.tick(Timestamp::EPOCH, "一线值班", name, note).unwrap_err();
            assert!(not.reason.contains(why), "{}", not.reason);
        };
        refused("查光功率", None, "demands a note");
        refused("查光功率", Some("  "), "demands a note");
        refused("reboot", None, "there are 查光功率, call the carrier");
        incident.tick(Timestamp::EPOCH, "一线值班", "查光功率", Some("-31 dBm")).unwrap();
        incident.tick(Timestamp::EPOCH, "一线值班", "call the carrier", None).unwrap();
        let again = incident.tick(Timestamp::EPOCH, "ops", "call the carrier", None).unwrap_err();
        assert!(again.reason.contains("一线值班 has done"), "{}", again.reason);
        incident.state = IncidentState::Resolved;
        assert!(incident.tick(Timestamp::EPOCH, "ops", "call the carrier", None).is_err());
    }

    #[test]
    fn triage_fields_are_bounded_texts() {
        let mut incident = sample();
        let fields = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert!(incident.triage(&fields(&[])).is_err());
        assert!(incident.triage(&fields(&[("symptom", " ")])).is_err());
        assert!(incident.triage(&fields(&[("", "x")])).is_err());
        incident.triage(&fields(&[("symptom", "业务中断"), ("tried", "重启端口")])).unwrap();
        incident.triage(&fields(&[("tried", "更换光模块")])).unwrap();
        assert_eq!(incident.support.triage, fields(&[("symptom", "业务中断"), ("tried", "更换光模块")]));
        let many: BTreeMap<String, String> =
            (0..FIELDS_MAX).map(|number| (number.to_string(), "x".to_owned())).collect();
        assert!(incident.triage(&many).is_err());
    }
}
