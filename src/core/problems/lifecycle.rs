//! Transitions between a problem's states, their requirements, and the texts that people write into it.
//!
//! new → investigating → known_error → fix_in_progress → observing → closed, once it has stayed away long enough; a
//! recurrence reopens it. accepted_risk and duplicate end the work without a fix and are closed from there. A
//! transition changes the record completely or returns the reason for refusal.

use super::{Problem, ProblemNote, ProblemState};
use crate::core::model::{IncidentId, Timestamp};

/// Reason for a refusal, in words for the person who sent the command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ProblemRefused {
    pub reason: String,
}

/// Result of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub from: ProblemState,
    pub to: ProblemState,
}

/// Allowed transitions from each state. A problem is closed only after an observation without recurrence; a recurrence
/// reopens it.
pub const MOVES: [(ProblemState, &[ProblemState]); 8] = {
    use ProblemState::{AcceptedRisk, Closed, Duplicate, FixInProgress, Investigating, KnownError, New, Observing};
    [
        (New, &[Investigating, KnownError, FixInProgress, AcceptedRisk, Duplicate]),
        (Investigating, &[KnownError, FixInProgress, Observing, AcceptedRisk, Duplicate]),
        (KnownError, &[Investigating, FixInProgress, Observing, AcceptedRisk, Duplicate]),
        (FixInProgress, &[Investigating, KnownError, Observing, AcceptedRisk, Duplicate]),
        (Observing, &[Investigating, FixInProgress, Closed, AcceptedRisk, Duplicate]),
        (Closed, &[Investigating]),
        (AcceptedRisk, &[Investigating, Closed]),
        (Duplicate, &[Investigating, Closed]),
    ]
};

/// Texts that a person writes into a problem; `None` leaves a text as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Description<'a> {
    pub root_cause: Option<&'a str>,
    pub workaround: Option<&'a str>,
    pub fix: Option<&'a str>,
    pub change: Option<&'a str>,
}

/// A text required before a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    RootCause,
    Workaround,
    Fix,
    Reason,
}

impl Demand {
    /// The texts required for a transition between two states.
    const fn of(from: ProblemState, to: ProblemState) -> &'static [Demand] {
        match (from, to) {
            (_, ProblemState::KnownError) => &[Demand::RootCause, Demand::Workaround],
            (_, ProblemState::AcceptedRisk | ProblemState::Duplicate) => &[Demand::Reason],
            (ProblemState::Closed, _) => &[Demand::Reason],
            // They ended with a reason; closing only files them.
            (ProblemState::AcceptedRisk | ProblemState::Duplicate, ProblemState::Closed) => &[],
            (_, ProblemState::Closed) => &[Demand::RootCause, Demand::Fix],
            (
                _,
                ProblemState::New | ProblemState::Investigating | ProblemState::FixInProgress | ProblemState::Observing,
            ) => &[],
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Demand::RootCause => "the root cause",
            Demand::Workaround => "the workaround",
            Demand::Fix => "the fix",
            Demand::Reason => "a reason",
        }
    }
}

impl ProblemState {
    /// True if work on the cause or the fix remains.
    pub const fn is_open(self) -> bool {
        match self {
            ProblemState::New
            | ProblemState::Investigating
            | ProblemState::KnownError
            | ProblemState::FixInProgress
            | ProblemState::Observing => true,
            ProblemState::Closed | ProblemState::AcceptedRisk | ProblemState::Duplicate => false,
        }
    }

    /// The states reachable from here.
    pub fn next_states(self) -> &'static [ProblemState] {
        MOVES.iter().find(|(from, _)| *from == self).map_or(&[], |(_, to)| *to)
    }
}

impl Problem {
    /// Incidents listed on the record; `occurrences` counts all of them.
    pub const INCIDENTS_MAX: usize = 64;
    /// Notes kept on the record; the audit keeps all.
    pub const NOTES_MAX: usize = 64;
    /// Maximum length of a person's text in one field, in characters.
    pub const TEXT_MAX_CHARS: usize = 16_384;

    /// Makes the transition and records the person and the reason; or returns the missing texts.
    pub fn move_to(
        &mut self,
        to: ProblemState,
        reason: Option<&str>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Moved, ProblemRefused> {
        let verb = format!("move {} to {}", self.id, to.as_str());
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        check_length(reason.unwrap_or_default(), &verb)?;
        let from = self.state;
        if !from.next_states().contains(&to) {
            return Err(refusal(&verb, &unreachable_from(from)));
        }
        let missing: Vec<&str> = Demand::of(from, to)
            .iter()
            .filter(|demand| !self.satisfies(**demand, reason))
            .map(|demand| demand.words())
            .collect();
        if !missing.is_empty() {
            return Err(refusal(&verb, &format!("write down {} first", missing.join(" and "))));
        }
        if let Some(until) = self.quiet_until.filter(|until| to == ProblemState::Closed && *until > now) {
            let why = format!("it has to stay away until {} first", until.to_rfc3339());
            return Err(refusal(&verb, &why));
        }
        self.enter(to, now);
        let because = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        self.note(now, actor, format!("{} → {}{because}", from.as_str(), to.as_str()));
        Ok(Moved { from, to })
    }

    /// Enters the state, and sets its dates.
    pub(super) fn enter(&mut self, to: ProblemState, now: Timestamp) {
        self.state = to;
        self.closed_at = (to == ProblemState::Closed).then_some(now);
        self.quiet_until = (to == ProblemState::Observing).then_some(now + self.terms.quiet);
        if to.is_open() {
            self.rejected = None;
            self.duplicate_of = None;
        }
        self.looked_at(now);
    }

    /// Records a review: the next one is due after its interval, or at the end of the quiet time.
    pub(super) fn looked_at(&mut self, now: Timestamp) {
        let next = self.quiet_until.filter(|until| *until > now).unwrap_or(now + self.terms.review_after);
        self.review_by = self.state.is_open().then_some(next);
    }

    /// Adds a note; an empty one is refused.
    pub fn comment(&mut self, text: &str, actor: &str, now: Timestamp) -> Result<(), ProblemRefused> {
        let verb = format!("comment on {}", self.id);
        if text.trim().is_empty() {
            return Err(refusal(&verb, "the comment is empty"));
        }
        check_length(text, &verb)?;
        self.note(now, actor, text.trim().to_owned());
        Ok(())
    }

    /// Sets its owner; refused once it is closed.
    pub fn own(&mut self, owner: &str, now: Timestamp) -> Result<(), ProblemRefused> {
        let verb = format!("hand {} over", self.id);
        if self.state == ProblemState::Closed {
            return Err(refusal(&verb, "it is closed"));
        }
        if owner.trim().is_empty() {
            return Err(refusal(&verb, "say to whom"));
        }
        check_length(owner, &verb)?;
        self.owner = Some(owner.trim().to_owned());
        self.looked_at(now);
        Ok(())
    }

    /// Sets texts; `None` leaves a text as it is, an empty one removes it.
    pub fn describe(&mut self, texts: &Description<'_>, now: Timestamp) -> Result<(), ProblemRefused> {
        let Description { root_cause, workaround, fix, change } = *texts;
        let verb = format!("describe {}", self.id);
        if self.state == ProblemState::Closed {
            return Err(refusal(&verb, "it is closed; comment on it instead"));
        }
        for text in [root_cause, workaround, fix, change].into_iter().flatten() {
            check_length(text, &verb)?;
        }
        let takes_back = |text: Option<&str>| text.is_some_and(|text| text.trim().is_empty());
        if self.state == ProblemState::KnownError && (takes_back(root_cause) || takes_back(workaround)) {
            let why =
                "a known error keeps its root cause and workaround; move it back to investigating to take them back";
            return Err(refusal(&verb, why));
        }
        for (field, text) in [
            (&mut self.root_cause, root_cause),
            (&mut self.workaround, workaround),
            (&mut self.fix, fix),
            (&mut self.change, change),
        ] {
            if let Some(text) = text.map(str::trim) {
                *field = (!text.is_empty()).then(|| text.to_owned());
            }
        }
        self.looked_at(now);
        Ok(())
    }

    /// Adds one more incident of this cause.
    pub fn link(&mut self, incident: IncidentId) -> Result<(), ProblemRefused> {
        if self.incidents.contains(&incident) {
            return Err(refusal(&format!("link {incident}"), &format!("{} lists it already", self.id)));
        }
        self.count(incident);
        Ok(())
    }

    /// The workaround that first line sees: published with the known error, until the fix is in place.
    pub fn published_workaround(&self) -> Option<&str> {
        match self.state {
            ProblemState::KnownError | ProblemState::FixInProgress => self.workaround.as_deref(),
            ProblemState::New
            | ProblemState::Investigating
            | ProblemState::Observing
            | ProblemState::Closed
            | ProblemState::AcceptedRisk
            | ProblemState::Duplicate => None,
        }
    }

    /// Counts one more occurrence; a reopened incident is listed once and counted each time.
    pub(super) fn count(&mut self, incident: IncidentId) {
        self.occurrences += 1;
        if !self.incidents.contains(&incident) {
            self.incidents.push(incident);
            let surplus = self.incidents.len().saturating_sub(Problem::INCIDENTS_MAX);
            self.incidents.drain(..surplus);
        }
    }

    pub(super) fn note(&mut self, at: Timestamp, actor: &str, text: String) {
        self.notes.push(ProblemNote { at, actor: actor.to_owned(), text });
        let surplus = self.notes.len().saturating_sub(Problem::NOTES_MAX);
        self.notes.drain(..surplus);
    }

    fn satisfies(&self, demand: Demand, reason: Option<&str>) -> bool {
        match demand {
            Demand::RootCause => self.root_cause.is_some(),
            Demand::Workaround => self.workaround.is_some(),
            Demand::Fix => self.fix.is_some(),
            Demand::Reason => reason.is_some(),
        }
    }
}

fn unreachable_from(from: ProblemState) -> String {
    let reachable: Vec<&str> = from.next_states().iter().map(|state| state.as_str()).collect();
    format!("it is {}; from there it goes to {}", from.as_str(), reachable.join(", "))
}

pub(super) fn check_length(text: &str, verb: &str) -> Result<(), ProblemRefused> {
    let length = text.chars().count();
    if length > Problem::TEXT_MAX_CHARS {
        let why = format!("the text has {length} characters; at most {} fit", Problem::TEXT_MAX_CHARS);
        return Err(refusal(verb, &why));
    }
    Ok(())
}

pub(super) fn refusal(verb: &str, why: &str) -> ProblemRefused {
    ProblemRefused { reason: format!("cannot {verb}: {why}") }
}
