//! The correlator: one domain's state machine and its verbs.

use std::sync::Arc;

use super::alerts::enrich;
use super::input::{Resend, SilenceInput};
use super::input_context::{CorrelationContext, Index, view};
use super::output::{AlertView, Firing, Output, QuarantinedName, TemplateRecord};
use super::reload;
use super::rule_index::RuleIndex;
use super::state::{CorrelatorState, Frozen, ParseSectionError, RuleNames};
use crate::core::model::{Cause, Event, Fingerprint, Silence, TimeDelta, Timestamp};
use crate::core::rules::Rulebook;

/// Alerts, windows and suppression of one correlation domain.
///
/// Each verb takes its `now`, which never runs backwards, serves what is due by then, and appends what follows to
/// `out` in a fixed order: decisions and counts as they arise, the alerts that changed last.
#[derive(Clone)]
pub struct Correlator {
    state: CorrelatorState,
    index: Index,
    book: Arc<RuleIndex>,
    /// What fired and cleared since it was last asked; `None`: nobody asks.
    firings: Option<Vec<Firing>>,
}

impl Correlator {
    /// One that has seen nothing.
    pub fn new(rulebook: Arc<Rulebook>) -> Correlator {
        let names = RuleNames::default().of(&rulebook);
        let book = Arc::new(RuleIndex::new(rulebook, &names.ids));
        let state = CorrelatorState { names: Arc::new(names), ..CorrelatorState::default() };
        Correlator { state, index: Index::default(), book, firings: None }
    }

    /// One from the sections of a snapshot and the rulebook that was in force. Missing sections are empty.
    pub fn restore<'a>(
        rulebook: Arc<Rulebook>,
        sections: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Correlator, ParseSectionError> {
        let mut state = CorrelatorState::default();
        for (name, bytes) in sections {
            state.restore_section(name, bytes)?;
        }
        state.names = Arc::new(state.names.of(&rulebook));
        state.share_labels();
        let book = RuleIndex::new(rulebook, &state.names.ids);
        enrich::share(&mut state, &book);
        let index = Index::of(&mut state, &book);
        Ok(Correlator { state, index, book: Arc::new(book), firings: None })
    }

    /// The state as it stands, cheaply: shared until one side changes it.
    pub fn freeze(&self) -> Frozen {
        Frozen(self.state.clone())
    }

    /// A message. `cause` is the input's place in the journal.
    pub fn event(&mut self, now: Timestamp, cause: Cause, event: &Event, out: &mut Vec<Output>) {
        self.turn(now, out, |turn| {
            turn.cause = Some(cause);
            turn.event(event, cause);
        });
    }

    /// A message in the compact form that [`Correlator::compact`] gave.
    pub fn resend(&mut self, now: Timestamp, cause: Cause, resend: &Resend, out: &mut Vec<Output>) {
        self.turn(now, out, |turn| {
            turn.cause = Some(cause);
            turn.resend(resend, cause);
        });
    }

    pub fn silence(&mut self, now: Timestamp, change: &SilenceInput, out: &mut Vec<Output>) {
        self.turn(now, out, |turn| turn.change_silence(change));
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.turn(now, out, |_| {});
    }

    /// The service is back after `gap`. Must come before any tick of that `now`: what would have ended in the gap for
    /// want of a message is postponed, everything else that is due is served.
    pub fn resumed(&mut self, now: Timestamp, gap: TimeDelta, out: &mut Vec<Output>) {
        let book = Arc::clone(&self.book);
        let mut turn = self.begin(now, out, &book);
        turn.postpone(gap);
        turn.open_calendars();
        turn.serve_deadlines();
        turn.take_derived();
        turn.finish();
    }

    /// The wall clock was set that many microseconds forward. `rulebook`: the one in force, under that clock.
    pub fn clock_stepped(&mut self, now: Timestamp, micros: i64, rulebook: Arc<Rulebook>, out: &mut Vec<Output>) {
        self.turn(now, out, |turn| turn.silences_follow(micros));
        self.rulebook_changed(now, rulebook, out);
    }

    /// From here on that rulebook. Windows live on where name and shape of their rule are as before.
    pub fn rulebook_changed(&mut self, now: Timestamp, rulebook: Arc<Rulebook>, out: &mut Vec<Output>) {
        let old = Arc::clone(&self.book);
        let gone = reload::gone(&old, &rulebook);
        let reroute = !gone.is_empty() || !reload::routes_alike(&old.rulebook, &rulebook);
        let mut turn = self.begin(now, out, &old);
        turn.serve_deadlines();
        turn.retire_rules(&gone);
        turn.retire_storms(&rulebook);
        let derived = std::mem::take(&mut turn.derived);
        turn.finish();
        let book = Arc::new(reload::renumber(&mut self.state, &gone, rulebook));
        self.state.maintenance = Arc::new(super::suppression::maintenance::windows_at(&book.rulebook, now));
        super::grouping::place_again(&mut self.state, &old, &book);
        let enriched = self.begin(now, out, &book).enrich_again();
        reload::index_again(&mut self.state, &book, &mut self.index);
        self.book = Arc::clone(&book);
        let mut turn = self.begin(now, out, &book);
        turn.derived = derived;
        turn.open_calendars();
        turn.own_again(&gone, reroute);
        turn.route_enriched(&enriched);
        turn.serve_deadlines();
        turn.take_derived();
        turn.finish();
    }

    /// The earliest moment at which [`Correlator::tick`] may have something to do; later than the last `now`.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.index.deadlines.first()
    }

    /// The compact form of an event that only says a known alert again; `None` for every other. Handling the one
    /// at `now` leads to the same state and outputs as handling the other.
    pub fn compact(&self, now: Timestamp, event: &Event) -> Option<Resend> {
        CorrelationContext::compact(&self.state, &self.book, now, event)
    }

    /// Whether to note from now on what fires and clears, rules without incidents too; no part of the state.
    pub fn follow_firings(&mut self, follow: bool) {
        self.firings = follow.then(Vec::new);
    }

    /// What fired and cleared since the last call, in its order.
    pub fn take_firings(&mut self) -> impl Iterator<Item = Firing> + '_ {
        self.firings.iter_mut().flat_map(|firings| firings.drain(..))
    }

    pub fn rulebook(&self) -> &Arc<Rulebook> {
        &self.book.rulebook
    }

    /// The firing alerts, in a fixed order.
    pub fn alerts(&self) -> impl Iterator<Item = AlertView> + '_ {
        let firing = self.state.alerts.iter().filter(|(_, alert)| alert.times.firing);
        firing.map(|(fingerprint, alert)| view(&self.state, &self.book, *fingerprint, alert))
    }

    /// One alert, firing or resolved and not yet forgotten.
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<AlertView> {
        let alert = self.state.alerts.get(&fingerprint)?;
        Some(view(&self.state, &self.book, fingerprint, alert))
    }

    /// All silences within their retention, by id.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.state.silences.values().map(|kept| &kept.silence)
    }

    /// The names that break the naming standard.
    pub fn quarantined(&self) -> impl Iterator<Item = QuarantinedName> + '_ {
        self.state.quarantine.iter().map(|(name, seen)| QuarantinedName {
            label: name.label.clone(),
            name: name.name.clone(),
            source: name.source.clone(),
            first_at: seen.first_at,
            last_at: seen.last_at,
            count: seen.count,
        })
    }

    /// The templates of the free texts that it was given.
    pub fn templates(&self) -> impl Iterator<Item = TemplateRecord> + '_ {
        self.state.templates.iter().map(|(id, template)| TemplateRecord {
            id,
            text: template.text(),
            first_at: template.first_at,
            last_at: template.last_at,
            count: template.count,
        })
    }

    /// How many alerts are remembered, resolved ones included.
    pub fn alert_count(&self) -> usize {
        self.state.alerts.len()
    }

    /// How many conditions (windows) exist.
    pub fn window_count(&self) -> usize {
        self.state.conditions.len()
    }

    /// Every broken invariant, in words; walks the whole state.
    pub fn broken_invariants(&self) -> Vec<String> {
        super::invariants::broken(&self.state, &self.index, &self.book)
    }

    pub(super) fn parts(&self) -> (&CorrelatorState, &Index, &RuleIndex) {
        (&self.state, &self.index, &self.book)
    }

    fn turn(&mut self, now: Timestamp, out: &mut Vec<Output>, input: impl FnOnce(&mut CorrelationContext<'_>)) {
        let book = Arc::clone(&self.book);
        let mut turn = self.begin(now, out, &book);
        turn.open_calendars();
        turn.serve_deadlines();
        turn.take_derived();
        input(&mut turn);
        // A late event may open a window whose end has already passed.
        turn.serve_deadlines();
        turn.take_derived();
        turn.finish();
    }

    fn begin<'a>(
        &'a mut self,
        now: Timestamp,
        out: &'a mut Vec<Output>,
        book: &'a RuleIndex,
    ) -> CorrelationContext<'a> {
        CorrelationContext {
            state: &mut self.state,
            index: &mut self.index,
            book,
            now,
            out,
            firings: &mut self.firings,
            changed: Default::default(),
            cause: None,
            acting: None,
            derived: Default::default(),
            depth: 0,
        }
    }
}
