//! What a part of the desk asks of the parts after it, as plain data: the pipeline carries it on, nobody calls back.

use std::collections::VecDeque;

use crate::core::engine::notification::NotificationKind;
use crate::core::model::IncidentId;
use crate::core::rules::Recipient;

/// Somebody is to be told of an incident, once the team that has it has found one of its people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub incident: IncidentId,
    pub kind: NotificationKind,
    pub reason: String,
}

/// The team of the present step cannot act, for that reason; with the page that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstaffed {
    pub incident: IncidentId,
    pub reason: String,
    pub page: Option<Page>,
}

/// Who is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationDraft {
    /// The team that has it, and its people.
    Team(Page),
    /// Hierarchical escalation: the incident stays where it is.
    Manager { incident: IncidentId, told: Recipient, why: String },
}

/// What is asked and not yet done. Empty between two inputs.
#[derive(Debug, Default)]
pub struct Requests {
    /// To SLA: what changed, whose clocks follow it.
    pub changed: Vec<IncidentId>,
    /// To assignment: what changed, who may need somebody or nobody any more.
    pub unsettled: VecDeque<IncidentId>,
    /// To assignment: pages that go out once it has looked for somebody.
    pub pages: VecDeque<Page>,
    /// To assignment: no further step can act, so it waits where it is.
    pub waits: VecDeque<Unstaffed>,
    /// To escalation: the next step that can act has it at once.
    pub skips: VecDeque<Unstaffed>,
    /// To notifications.
    pub tellings: VecDeque<NotificationDraft>,
}

impl Requests {
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.unsettled.is_empty() && !self.has_pages()
    }

    /// Whether somebody waits to be told, or a step to be passed over.
    pub fn has_pages(&self) -> bool {
        let Requests { changed: _, unsettled: _, pages, waits, skips, tellings } = self;
        !(pages.is_empty() && waits.is_empty() && skips.is_empty() && tellings.is_empty())
    }

    pub fn follow_clocks(&mut self, incident: IncidentId) {
        if !self.changed.contains(&incident) {
            self.changed.push(incident);
        }
    }

    pub fn look_at(&mut self, incident: IncidentId) {
        if !self.unsettled.contains(&incident) {
            self.unsettled.push_back(incident);
        }
    }
}
