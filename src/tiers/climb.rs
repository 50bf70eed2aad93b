//! One incident's way up its ladder.
//!
//! Each step is anchored on when it was really entered, so hours of downtime climb one step, not three.

use serde::{Deserialize, Serialize};

use super::Staffing;
use crate::model::{Moment, Span, Tier};
use crate::rules::{Ladder, Step};

/// How often one step pages before it gives up saying the same thing to the same people.
pub const PAGES_MAX: u32 = 12;

/// What the passing of time makes of a climb. The desk turns each into notices and timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// The step's first page, after settling.
    Page,
    /// The same people again: nobody acknowledged, or the resolve-by is near.
    PageAgain { reason: String },
    /// Unacknowledged at respond-by.
    RespondByMissed { tier: Tier },
    /// Unresolved at resolve-by.
    ResolveByMissed { tier: Tier },
    /// A step whose team cannot act was passed over at once, and why.
    Skipped { tier: Tier, team: String, reason: String },
    /// The next step has it now, and is paged.
    Climbed { from: Tier, to: Tier },
}

/// Where an incident stands on its ladder, and what happens next there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Climb {
    pub ladder: String,
    /// Index into the ladder's steps.
    pub step: u32,
    /// When this step really began.
    pub entered_at: Moment,
    pub acknowledged: bool,
    /// The next page of this step.
    page_at: Option<Moment>,
    /// When this step is over.
    over_at: Option<Moment>,
    /// Pages this step has sent.
    pages: u32,
    /// Waits for somebody outside.
    pending: bool,
    /// An approved change holds it back.
    paused: bool,
    /// Since when either is so; its times move by that wait.
    stopped_since: Option<Moment>,
    /// Held back (silenced, inhibited): pages and steps wait, time runs.
    held: bool,
    /// Everything is clear: nobody is bothered until it fires again or resolves.
    clear: bool,
    /// Resolved, closed, merged, cancelled, or never to page.
    stopped: Option<String>,
}

impl Climb {
    /// Enters the first step that somebody is on; its first page waits for `settle`.
    pub fn start(ladder: &Ladder, staffing: &Staffing<'_>, now: Moment, settle: Span) -> (Climb, Vec<Move>) {
        let mut climb = Climb::unstarted(ladder, now);
        let mut moves = Vec::new();
        match first_staffed(ladder, staffing, 0, &mut moves) {
            Some(index) => {
                climb.enter(index, &ladder.steps[index], now);
                climb.page_at = Some(now + settle);
            }
            None => climb.stopped = Some(nobody(ladder)),
        }
        (climb, moves)
    }

    /// One that never pages, and why.
    pub fn silent(ladder: &Ladder, now: Moment, why: &str) -> Climb {
        let mut climb = Climb::unstarted(ladder, now);
        climb.stopped = Some(why.to_owned());
        climb
    }

    /// When something happens next; `None` while nothing is armed (see [`Climb::unarmed`]).
    pub fn next_deadline(&self) -> Option<Moment> {
        if self.stopped.is_some() || self.stopped_since.is_some() || self.held || self.clear {
            return None;
        }
        [self.page_at, self.over_at].into_iter().flatten().min()
    }

    /// Why nothing is armed.
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

    /// What is due at `now`. At most one step is climbed.
    pub fn tick(&mut self, now: Moment, ladder: &Ladder, staffing: &Staffing<'_>) -> Vec<Move> {
        let mut moves = Vec::new();
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return moves;
        }
        let Some(step) = ladder.steps.get(self.step as usize) else {
            self.stopped = Some("its step is gone from the ladder".to_owned());
            return moves;
        };
        if self.over_at.is_some_and(|over_at| over_at <= now) {
            moves.push(if self.acknowledged {
                Move::ResolveByMissed { tier: step.tier }
            } else {
                Move::RespondByMissed { tier: step.tier }
            });
            if !self.climb_on(now, ladder, staffing, &mut moves) {
                self.over_at = None;
                self.page_once_more(now, step, "the last step's time is over", &mut moves);
            }
        } else {
            self.page_due(now, step, &mut moves);
        }
        moves
    }

    /// The present step has it: no more pages, and the resolve-by counts, from when the step began.
    pub fn acknowledge(&mut self, now: Moment, ladder: &Ladder) {
        self.acknowledged = true;
        self.page_at = None;
        self.over_at = None;
        let Some(step) = ladder.steps.get(self.step as usize) else { return };
        if let Some(resolve_by) = step.resolve_by {
            let over_at = (self.entered_at + resolve_by).max(now);
            self.over_at = Some(over_at);
            self.page_at = Some(over_at - step.page_every).filter(|warning| *warning > now);
        }
    }

    /// A person hands it on. `None` when there is no further step with anybody on it.
    pub fn escalate(&mut self, now: Moment, ladder: &Ladder, staffing: &Staffing<'_>) -> Option<Vec<Move>> {
        let mut moves = Vec::new();
        self.climb_on(now, ladder, staffing, &mut moves).then_some(moves)
    }

    pub fn pend(&mut self, now: Moment) {
        self.pending = true;
        self.stopped_since.get_or_insert(now);
    }

    pub fn resume(&mut self, now: Moment) {
        self.pending = false;
        self.go_on(now);
    }

    /// An approved change holds it back: its clocks stand still.
    pub fn pause(&mut self, now: Moment) {
        self.paused = true;
        self.stopped_since.get_or_insert(now);
    }

    pub fn unpause(&mut self, now: Moment) {
        self.paused = false;
        self.go_on(now);
    }

    /// Everything that was armed moves by the wait.
    fn go_on(&mut self, now: Moment) {
        if self.pending || self.paused {
            return;
        }
        if let Some(since) = self.stopped_since.take() {
            let wait = now.since(since);
            self.entered_at = self.entered_at + wait;
            self.page_at = self.page_at.map(|at| at + wait);
            self.over_at = self.over_at.map(|at| at + wait);
        }
    }

    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Free again: what still fires is raised again, so an unacknowledged step pages at once.
    pub fn release(&mut self, now: Moment, ladder: Option<&Ladder>) {
        self.held = false;
        if let Some(ladder) = ladder {
            self.wake(now, ladder);
        }
    }

    pub fn all_clear(&mut self) {
        self.clear = true;
    }

    /// It fires again before it resolved.
    pub fn fires_again(&mut self, now: Moment, ladder: &Ladder) {
        if self.clear {
            self.clear = false;
            self.wake(now, ladder);
        }
    }

    pub fn stop(&mut self, why: &str) {
        self.stopped = Some(why.to_owned());
        self.pending = false;
        self.stopped_since = None;
    }

    /// After a reopening: the same step begins again, now.
    pub fn restart(&mut self, now: Moment, ladder: &Ladder) {
        self.stopped = None;
        self.clear = false;
        self.pending = false;
        self.stopped_since = if self.paused { Some(now) } else { None };
        match ladder.steps.get(self.step as usize) {
            Some(step) => {
                self.enter(self.step as usize, step, now);
                self.page_at = Some(now);
            }
            None => self.stopped = Some("its step is gone from the ladder".to_owned()),
        }
    }

    /// How often this step has paged.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    fn unstarted(ladder: &Ladder, now: Moment) -> Climb {
        Climb {
            ladder: ladder.name.clone(),
            step: 0,
            entered_at: now,
            acknowledged: false,
            page_at: None,
            over_at: None,
            pages: 0,
            pending: false,
            paused: false,
            stopped_since: None,
            held: false,
            clear: false,
            stopped: None,
        }
    }

    fn enter(&mut self, index: usize, step: &Step, now: Moment) {
        self.step = index as u32;
        self.entered_at = now;
        self.acknowledged = false;
        self.pages = 0;
        self.page_at = Some(now);
        self.over_at = Some(now + step.respond_by);
    }

    /// Goes to the next step with anybody on it; false when there is none.
    fn climb_on(&mut self, now: Moment, ladder: &Ladder, staffing: &Staffing<'_>, moves: &mut Vec<Move>) -> bool {
        let from = ladder.steps.get(self.step as usize).map_or(Tier::First, |step| step.tier);
        let mut skipped = Vec::new();
        let Some(index) = first_staffed(ladder, staffing, self.step as usize + 1, &mut skipped) else {
            return false;
        };
        let step = &ladder.steps[index];
        self.enter(index, step, now);
        self.count_page(now, step);
        moves.extend(skipped);
        moves.push(Move::Climbed { from, to: step.tier });
        true
    }

    fn page_due(&mut self, now: Moment, step: &Step, moves: &mut Vec<Move>) {
        if self.acknowledged {
            self.page_at = None;
            moves.push(Move::PageAgain { reason: format!("its resolve-by is in {}", step.page_every) });
        } else if self.pages == 0 {
            moves.push(Move::Page);
            self.count_page(now, step);
        } else {
            self.page_once_more(now, step, "nobody has acknowledged it", moves);
        }
    }

    fn page_once_more(&mut self, now: Moment, step: &Step, why: &str, moves: &mut Vec<Move>) {
        moves.push(Move::PageAgain { reason: why.to_owned() });
        self.count_page(now, step);
        if self.acknowledged {
            self.page_at = None;
        }
    }

    fn count_page(&mut self, now: Moment, step: &Step) {
        self.pages += 1;
        self.page_at = (self.pages < PAGES_MAX).then_some(now + step.page_every);
    }

    /// After a time of silence: page now if unacknowledged, and give the step one more page before it is over.
    fn wake(&mut self, now: Moment, ladder: &Ladder) {
        let Some(step) = ladder.steps.get(self.step as usize) else { return };
        if self.stopped.is_some() {
            return;
        }
        if !self.acknowledged {
            // A page that settling still holds back keeps its time.
            let settling = self.pages == 0 && self.page_at.is_some_and(|at| at > now);
            if !settling {
                self.page_at = Some(now);
            }
        }
        self.over_at = self.over_at.map(|over_at| over_at.max(now + step.page_every));
    }
}

fn first_staffed(ladder: &Ladder, staffing: &Staffing<'_>, from: usize, moves: &mut Vec<Move>) -> Option<usize> {
    for (index, step) in ladder.steps.iter().enumerate().skip(from) {
        let Some(reason) = staffing.missing(step) else { return Some(index) };
        moves.push(Move::Skipped { tier: step.tier, team: step.team.clone(), reason });
    }
    None
}

fn nobody(ladder: &Ladder) -> String {
    format!("no step of the ladder {} has anybody who can act", ladder.name)
}
