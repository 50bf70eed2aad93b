//! Escalation progress of one record.
//!
//! Each step counts from its real start, so hours of downtime escalate by one step, not three.

use crate::core::calendar::Calendars;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::availability::{TeamAvailability, Time};
use super::hierarchical::HierarchicalEscalation;
use super::transition::{EscalationEvent, Pause};
use crate::core::model::{Priority, Tier, TimeDelta, Timestamp};
use crate::core::rules::{EscalationPolicy, EscalationStep, StopWhen};

/// Maximum number of pages per step, because more repeats to the same people are useless.
pub const PAGES_MAX: u32 = 12;

/// Parameters of a new escalation, in addition to its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscalationStart<'a> {
    pub now: Timestamp,
    /// Delay of the first page.
    pub settle: TimeDelta,
    pub priority: Priority,
    /// Starts at the first step of this team, if there is one.
    pub team: Option<&'a str>,
}

/// Position of a record on its escalation policy, and its next events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationProgress {
    pub ladder: String,
    /// Index into the policy's steps.
    pub step: u32,
    /// The team in charge: the step's, or that of the vendor.
    pub team: String,
    /// Real start of this step.
    pub entered_at: Timestamp,
    pub acknowledged: bool,
    /// Part of the step's time elapsed at `counted_from`.
    ran: TimeDelta,
    counted_from: Timestamp,
    /// The next page of this step.
    page_at: Option<Timestamp>,
    /// End of this step.
    over_at: Option<Timestamp>,
    /// Number of pages sent by this step.
    pages: u32,
    /// Waits for an outside party.
    pending: bool,
    /// Paused by an approved change.
    paused: bool,
    /// Start of either; its times move by that wait.
    stopped_since: Option<Timestamp>,
    /// Suppressed (silenced, inhibited): pages and steps wait, time runs.
    held: bool,
    /// All alerts are clear: no page until it fires again or resolves.
    clear: bool,
    /// Resolved, closed, merged, cancelled, or never to page.
    stopped: Option<String>,
    management: HierarchicalEscalation,
}

impl EscalationProgress {
    /// Enters the first step whose team can act; its first page waits for `settle`.
    pub fn start(
        ladder: &EscalationPolicy,
        staffing: &TeamAvailability<'_>,
        start: EscalationStart<'_>,
    ) -> (EscalationProgress, Vec<EscalationEvent>) {
        let mut climb = EscalationProgress::unstarted(ladder, start.now, start.priority);
        climb.management = HierarchicalEscalation::start(ladder, staffing.calendars, start.now, start.priority);
        let mut moves = Vec::new();
        let of_team = start.team.and_then(|team| ladder.steps.iter().position(|step| step.team == team));
        match first_staffed(ladder, staffing, of_team.unwrap_or(0), &mut moves) {
            Some((index, team)) => {
                climb.enter(index, team, ladder, staffing.calendars, start.now);
                climb.page_at = Some(start.now + start.settle);
            }
            None => climb.stopped = Some(nobody(ladder)),
        }
        (climb, moves)
    }

    /// An escalation that never pages, and the reason.
    pub fn silent(ladder: &EscalationPolicy, now: Timestamp, why: &str) -> EscalationProgress {
        let mut climb = EscalationProgress::unstarted(ladder, now, Priority::P4);
        climb.stopped = Some(why.to_owned());
        climb
    }

    /// Time of the next event; `None` while nothing is armed (see [`EscalationProgress::unarmed`]).
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.stopped.is_some() || self.stopped_since.is_some() || self.held || self.clear {
            return None;
        }
        [self.step_deadline(), self.management.next_deadline()].into_iter().flatten().min()
    }

    fn step_deadline(&self) -> Option<Timestamp> {
        [self.page_at, self.over_at].into_iter().flatten().min()
    }

    /// Reason why nothing is armed.
    pub fn unarmed(&self) -> Option<String> {
        if let Some(why) = &self.stopped {
            return Some(why.clone());
        }
        if self.pending {
            return Some("pending".to_owned());
        }
        if self.paused {
            return Some("held back by an approved change, its clocks stand still".to_owned());
        }
        if self.held {
            return Some("held back".to_owned());
        }
        if self.clear {
            return Some("everything is clear".to_owned());
        }
        if self.next_deadline().is_some() {
            return None;
        }
        Some(if self.acknowledged {
            "acknowledged, and this step has no resolve-by left".to_owned()
        } else {
            "the last step has been paged as often as it is".to_owned()
        })
    }

    /// Runs the first due event at `now`. At most one step is escalated.
    pub fn tick(
        &mut self,
        now: Timestamp,
        ladder: &EscalationPolicy,
        staffing: &TeamAvailability<'_>,
    ) -> Vec<EscalationEvent> {
        let mut moves = Vec::new();
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return moves;
        }
        if self.step_deadline().is_none_or(|deadline| deadline > now) {
            return self.management.tell(ladder, staffing.calendars, now);
        }
        let Some(step) = ladder.steps.get(self.step as usize) else {
            self.stopped = Some("its step is gone from the ladder".to_owned());
            return moves;
        };
        let time = Time::of(staffing.calendars, step.calendar.as_deref());
        if self.over_at.is_some_and(|over_at| over_at <= now) {
            moves.push(if self.acknowledged {
                EscalationEvent::ResolveByMissed { tier: step.tier }
            } else {
                EscalationEvent::RespondByMissed { tier: step.tier }
            });
            if !self.climb_on(now, ladder, staffing, &mut moves) {
                self.over_at = None;
                self.page_once_more(now, step, time, "the last step's time is over", &mut moves);
            }
        } else {
            self.page_due(now, step, time, &mut moves);
        }
        moves
    }

    /// Acknowledges the present step: no more pages, and the resolve-by counts from the start of the step.
    pub fn acknowledge(&mut self, now: Timestamp, ladder: &EscalationPolicy, calendars: &Calendars) {
        let keeps_paging = ladder.steps.get(self.step as usize).is_some_and(|step| step.keeps_paging);
        self.acknowledged = true;
        self.page_at = self.page_at.filter(|_| keeps_paging);
        self.over_at = None;
        self.management.stop(ladder, StopWhen::Acknowledged);
        let Some(step) = ladder.steps.get(self.step as usize) else { return };
        let Some(resolve_by) = step.resolve_by else { return };
        let time = Time::of(calendars, step.calendar.as_deref());
        // During a pause, times count as of its start.
        let counted_to = self.stopped_since.unwrap_or(now);
        let ran = self.ran + time.between(self.counted_from, counted_to);
        let over_at = time.add(counted_to, resolve_by.saturating_sub(ran));
        self.over_at = Some(over_at);
        if keeps_paging {
            return;
        }
        let warning = time.add(counted_to, resolve_by.saturating_sub(ran).saturating_sub(step.page_every));
        self.page_at = Some(warning).filter(|warning| *warning > counted_to);
    }

    /// Escalates by a person's command. `None` without a further step that can act.
    pub fn escalate(
        &mut self,
        now: Timestamp,
        ladder: &EscalationPolicy,
        staffing: &TeamAvailability<'_>,
    ) -> Option<Vec<EscalationEvent>> {
        let mut moves = Vec::new();
        self.climb_on(now, ladder, staffing, &mut moves).then_some(moves)
    }

    /// Hands it back to the nearest lower tier. `None` without one that can act.
    pub fn hand_back(
        &mut self,
        now: Timestamp,
        ladder: &EscalationPolicy,
        staffing: &TeamAvailability<'_>,
    ) -> Option<Vec<EscalationEvent>> {
        let from = self.tier(ladder);
        let below = ladder.steps.iter().enumerate().take(self.step as usize).rev();
        let mut moves = Vec::new();
        for (index, step) in below.filter(|(_, step)| step.tier < from) {
            match staffing.team_of(step) {
                Ok(team) => {
                    let team = team.to_owned();
                    self.enter(index, team, ladder, staffing.calendars, now);
                    self.count_page(now, step, Time::of(staffing.calendars, step.calendar.as_deref()));
                    moves.push(EscalationEvent::HandedBack { from, to: step.tier });
                    return Some(moves);
                }
                Err(reason) => {
                    moves.push(EscalationEvent::Skipped { tier: step.tier, team: step.whom().to_owned(), reason });
                }
            }
        }
        None
    }

    /// The fields that the present step requires before a person escalates, and that are missing.
    pub fn missing(&self, ladder: &EscalationPolicy, written: &BTreeMap<String, String>) -> Vec<String> {
        let step = ladder.steps.get(self.step as usize);
        let demands = step.map(|step| step.demands.as_slice()).unwrap_or_default();
        demands.iter().filter(|field| !written.contains_key(*field)).cloned().collect()
    }

    /// The tier in charge.
    pub fn tier(&self, ladder: &EscalationPolicy) -> Tier {
        ladder.steps.get(self.step as usize).map_or(Tier::First, |step| step.tier)
    }

    pub fn pend(&mut self, now: Timestamp, ladder: Option<&EscalationPolicy>) {
        self.pending = true;
        self.stopped_since.get_or_insert(now);
        if let Some(ladder) = ladder {
            self.management.stop(ladder, StopWhen::Pending);
        }
    }

    pub fn resume(&mut self, now: Timestamp, ladder: Option<&EscalationPolicy>, calendars: &Calendars) {
        self.pending = false;
        self.go_on(now, ladder, calendars);
    }

    /// Pauses the clocks because of an approved change.
    pub fn pause(&mut self, now: Timestamp) {
        self.paused = true;
        self.stopped_since.get_or_insert(now);
    }

    pub fn unpause(&mut self, now: Timestamp, ladder: Option<&EscalationPolicy>, calendars: &Calendars) {
        self.paused = false;
        self.go_on(now, ladder, calendars);
    }

    /// Moves every armed time by the wait, in its own calendar.
    fn go_on(&mut self, now: Timestamp, ladder: Option<&EscalationPolicy>, calendars: &Calendars) {
        if self.pending || self.paused {
            return;
        }
        if let Some(since) = self.stopped_since.take() {
            let calendar = ladder.and_then(|ladder| ladder.steps.get(self.step as usize)?.calendar.as_deref());
            let time = Time::of(calendars, calendar);
            self.ran = self.ran + time.between(self.counted_from, since);
            self.counted_from = now;
            self.page_at = self.page_at.map(|at| time.moved(at, since, now));
            self.over_at = self.over_at.map(|at| time.moved(at, since, now));
            self.management.go_on(ladder, calendars, Pause { since, until: now });
        }
    }

    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Ends the suppression: an unacknowledged step pages at once, as if raised again.
    pub fn release(&mut self, now: Timestamp, ladder: Option<&EscalationPolicy>) {
        self.held = false;
        if let Some(ladder) = ladder {
            self.wake(now, ladder);
        }
    }

    pub fn all_clear(&mut self) {
        self.clear = true;
    }

    /// The incident fires again before it resolved.
    pub fn fires_again(&mut self, now: Timestamp, ladder: &EscalationPolicy) {
        if self.clear {
            self.clear = false;
            self.wake(now, ladder);
        }
    }

    /// Updates the manager notifications to the present priority.
    pub fn follow_priority(&mut self, now: Timestamp, ladder: &EscalationPolicy, priority: Priority) {
        self.management.follow_priority(ladder, now, priority);
    }

    pub fn stop(&mut self, why: &str) {
        self.stopped = Some(why.to_owned());
        self.pending = false;
        self.stopped_since = None;
    }

    /// After a reopening: the same step starts again, now.
    pub fn restart(&mut self, now: Timestamp, ladder: &EscalationPolicy, calendars: &Calendars, priority: Priority) {
        self.stopped = None;
        self.clear = false;
        self.pending = false;
        self.stopped_since = if self.paused { Some(now) } else { None };
        self.management = HierarchicalEscalation::start(ladder, calendars, now, priority);
        if ladder.steps.get(self.step as usize).is_some() {
            let team = std::mem::take(&mut self.team);
            self.enter(self.step as usize, team, ladder, calendars, now);
        } else {
            self.stopped = Some("its step is gone from the ladder".to_owned());
        }
    }

    /// Number of pages of this step.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    fn unstarted(ladder: &EscalationPolicy, now: Timestamp, priority: Priority) -> EscalationProgress {
        EscalationProgress {
            ladder: ladder.name.clone(),
            step: 0,
            team: ladder.steps.first().map(|step| step.team.clone()).unwrap_or_default(),
            entered_at: now,
            acknowledged: false,
            ran: TimeDelta::ZERO,
            counted_from: now,
            page_at: None,
            over_at: None,
            pages: 0,
            pending: false,
            paused: false,
            stopped_since: None,
            held: false,
            clear: false,
            stopped: None,
            management: HierarchicalEscalation::none(priority),
        }
    }

    fn enter(&mut self, index: usize, team: String, ladder: &EscalationPolicy, calendars: &Calendars, now: Timestamp) {
        let step = &ladder.steps[index];
        self.step = index as u32;
        self.team = team;
        self.entered_at = now;
        self.ran = TimeDelta::ZERO;
        self.counted_from = now;
        // Entered during a pause, so it counts from now.
        self.stopped_since = self.stopped_since.map(|_| now);
        self.acknowledged = false;
        self.pages = 0;
        self.page_at = Some(now);
        self.over_at = Some(Time::of(calendars, step.calendar.as_deref()).add(now, step.respond_by));
    }

    /// Goes to the next step that can act; false if there is none.
    fn climb_on(
        &mut self,
        now: Timestamp,
        ladder: &EscalationPolicy,
        staffing: &TeamAvailability<'_>,
        moves: &mut Vec<EscalationEvent>,
    ) -> bool {
        let from = self.tier(ladder);
        let mut skipped = Vec::new();
        let Some((index, team)) = first_staffed(ladder, staffing, self.step as usize + 1, &mut skipped) else {
            return false;
        };
        let demands = ladder.steps.get(self.step as usize).map(|step| step.demands.clone()).unwrap_or_default();
        let step = &ladder.steps[index];
        self.enter(index, team, ladder, staffing.calendars, now);
        self.count_page(now, step, Time::of(staffing.calendars, step.calendar.as_deref()));
        moves.extend(skipped);
        moves.push(EscalationEvent::Climbed { from, to: step.tier, demands });
        true
    }

    fn page_due(&mut self, now: Timestamp, step: &EscalationStep, time: Time<'_>, moves: &mut Vec<EscalationEvent>) {
        if self.acknowledged && !step.keeps_paging {
            self.page_at = None;
            moves.push(EscalationEvent::PageAgain { reason: format!("its resolve-by is in {}", step.page_every) });
        } else if self.pages == 0 {
            moves.push(EscalationEvent::Page);
            self.count_page(now, step, time);
        } else {
            let why = if step.keeps_paging { "it still stands" } else { "nobody has acknowledged it" };
            self.page_once_more(now, step, time, why, moves);
        }
    }

    fn page_once_more(
        &mut self,
        now: Timestamp,
        step: &EscalationStep,
        time: Time<'_>,
        why: &str,
        moves: &mut Vec<EscalationEvent>,
    ) {
        moves.push(EscalationEvent::PageAgain { reason: why.to_owned() });
        self.count_page(now, step, time);
        if self.acknowledged && !step.keeps_paging {
            self.page_at = None;
        }
    }

    fn count_page(&mut self, now: Timestamp, step: &EscalationStep, time: Time<'_>) {
        self.pages = self.pages.saturating_add(1);
        self.page_at = (step.keeps_paging || self.pages < PAGES_MAX).then(|| time.add(now, step.page_every));
    }

    /// After suppression: pages now if unacknowledged, and gives the step one more page before its end.
    fn wake(&mut self, now: Timestamp, ladder: &EscalationPolicy) {
        let Some(step) = ladder.steps.get(self.step as usize) else { return };
        if self.stopped.is_some() {
            return;
        }
        if !self.acknowledged || step.keeps_paging {
            // A page still in its settle delay keeps its time.
            let settling = self.pages == 0 && self.page_at.is_some_and(|at| at > now);
            if !settling {
                self.page_at = Some(now);
            }
        }
        self.over_at = self.over_at.map(|over_at| over_at.max(now + step.page_every));
    }
}

/// The first step from there whose team can act, and that team; skipped steps are reported.
fn first_staffed(
    ladder: &EscalationPolicy,
    staffing: &TeamAvailability<'_>,
    from: usize,
    moves: &mut Vec<EscalationEvent>,
) -> Option<(usize, String)> {
    for (index, step) in ladder.steps.iter().enumerate().skip(from) {
        match staffing.team_of(step) {
            Ok(team) => return Some((index, team.to_owned())),
            Err(reason) => {
                moves.push(EscalationEvent::Skipped { tier: step.tier, team: step.whom().to_owned(), reason })
            }
        }
    }
    None
}

fn nobody(ladder: &EscalationPolicy) -> String {
    format!("no step of the ladder {} has anybody who can act", ladder.name)
}
