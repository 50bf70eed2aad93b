//! The correlator: one domain's state machine and its methods.

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
/// Each method takes its `now`, which never runs backwards, runs what is due by then, and appends its results to `out`
/// in a fixed order: decisions and counts as they arise, then the changed alerts.
#[derive(Clone)]
pub struct Correlator {
    state: CorrelatorState,
    index: Index,
    book: Arc<RuleIndex>,
    /// Conditions that fired and cleared since the last call; `None`: not recorded.
    firings: Option<Vec<Firing>>,
}

impl Correlator {
    /// An empty correlator.
    pub fn new(rulebook: Arc<Rulebook>) -> Correlator {
        let names = RuleNames::default().of(&rulebook);
        let book = Arc::new(RuleIndex::new(rulebook, &names.ids));
        let state = CorrelatorState { names: Arc::new(names), ..CorrelatorState::default() };
        Correlator { state, index: Index::default(), book, firings: None }
    }

    /// Restores a correlator from the sections of a snapshot and the rulebook that was in force. Missing sections are
    /// empty.
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

    /// A cheap copy of the state: shared until one side changes it.
    pub fn freeze(&self) -> Frozen {
        Frozen(self.state.clone())
    }

    /// Handles a message. `cause` is the input's position in the journal.
    pub fn event(&mut self, now: Timestamp, cause: Cause, event: &Event, out: &mut Vec<Output>) {
        self.turn(now, out, |turn| {
            turn.cause = Some(cause);
            turn.event(event, cause);
        });
    }

    /// Handles a message in the compact form that [`Correlator::compact`] returned.
    pub fn resend(&mut self, now: Timestamp, cause: Cause, resend: &Resend, out: &mut Vec<Output>) {
        self.turn(now, out, |turn| {
            turn.cause = Some(cause);
            turn.resend(resend, cause);
        });
    }

    pub fn silence(&mut self, now: Timestamp, change: &SilenceInput, out: &mut Vec<Output>) {
        self.turn(now, out, |turn| turn.change_silence(change));
    }

    /// Runs the timers that are due.
    pub fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.turn(now, out, |_| {});
    }

    /// Resumes after a `gap` in service. Must come before any tick of that `now`: ends for want of a message in the gap
    /// are postponed, all other due timers run.
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

    /// Switches to the rulebook. Windows survive if their rule's name and shape are unchanged.
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

    /// The earliest time at which [`Correlator::tick`] may have work; later than the last `now`.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.index.deadlines.first()
    }

    /// The compact form of an event that only repeats a known alert; `None` for every other. Handling either at `now`
    /// leads to the same state and outputs.
    pub fn compact(&self, now: Timestamp, event: &Event) -> Option<Resend> {
        CorrelationContext::compact(&self.state, &self.book, now, event)
    }

    /// Switches the recording of fired and cleared conditions, rules without incidents included; not part of the state.
    pub fn follow_firings(&mut self, follow: bool) {
        self.firings = follow.then(Vec::new);
    }

    /// The conditions that fired and cleared since the last call, in order.
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

    /// The learned templates of free texts.
    pub fn templates(&self) -> impl Iterator<Item = TemplateRecord> + '_ {
        self.state.templates.iter().map(|(id, template)| TemplateRecord {
            id,
            text: template.text(),
            first_at: template.first_at,
            last_at: template.last_at,
            count: template.count,
        })
    }

    /// Number of remembered alerts, resolved ones included.
    pub fn alert_count(&self) -> usize {
        self.state.alerts.len()
    }

    /// Number of conditions (windows).
    pub fn window_count(&self) -> usize {
        self.state.conditions.len()
    }

    /// Describes every broken invariant; walks the whole state.
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
