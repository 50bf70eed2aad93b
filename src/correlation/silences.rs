//! Silences: Alertmanager's rules for creating, changing and ending them, and what each start and end does to alerts.

use std::sync::Arc;

use super::condition::ConditionKey;
use super::deadlines::Timer;
use super::input::SilenceChange;
use super::output::{Output, Refused};
use super::state::{KeptSilence, Stage};
use super::turn::Turn;
use super::{SILENCE_RETENTION, SILENCES_MAX};
use crate::model::{Fingerprint, Matcher, MatcherOp, Moment, Silence, SilenceId, Stamp};

impl Turn<'_> {
    pub fn change_silence(&mut self, change: &SilenceChange) {
        let mut touched = Vec::new();
        let answer = match change {
            SilenceChange::Put { id, silence } => self.put_silence(*id, silence, &mut touched),
            SilenceChange::Expire(id) => self.expire_silence(*id, &mut touched).map(|()| *id),
        };
        self.silences_changed(&touched);
        self.out.push(Output::Answer(answer));
    }

    fn put_silence(
        &mut self,
        id: Option<SilenceId>,
        asked: &Silence,
        touched: &mut Vec<SilenceId>,
    ) -> Result<SilenceId, Refused> {
        check(asked, self.now)?;
        let known = match id {
            Some(id) => Some(self.state.silences.get(&id).ok_or_else(not_found)?.clone()),
            None => None,
        };
        if let Some(known) = &known
            && may_update(known, asked, self.now)
        {
            let id = known.silence.id;
            self.keep_silence(Silence { id, updated_at: self.now, ..asked.clone() }, touched);
            return Ok(id);
        }
        let count = self.state.silences.len();
        if count >= SILENCES_MAX {
            let reason = format!("exceeded maximum number of silences: {count} (limit: {SILENCES_MAX})");
            return Err(Refused::Invalid { reason });
        }
        if let Some(known) = &known {
            self.expire_silence(known.silence.id, touched)?;
        }
        let starts_at = if asked.starts_at.at < self.now { Stamp::utc(self.now) } else { asked.starts_at };
        self.keep_silence(Silence { starts_at, updated_at: self.now, ..asked.clone() }, touched);
        Ok(asked.id)
    }

    fn expire_silence(&mut self, id: SilenceId, touched: &mut Vec<SilenceId>) -> Result<(), Refused> {
        let kept = self.state.silences.get(&id).ok_or_else(not_found)?;
        let now = Stamp::utc(self.now);
        let mut silence = kept.silence.clone();
        match kept.stage {
            Stage::Expired => return Ok(()),
            Stage::Active => silence.ends_at = now,
            Stage::Pending => (silence.starts_at, silence.ends_at) = (now, now),
        }
        silence.updated_at = self.now;
        self.keep_silence(silence, touched);
        Ok(())
    }

    fn keep_silence(&mut self, silence: Silence, touched: &mut Vec<SilenceId>) {
        let id = silence.id;
        let kept = KeptSilence { stage: Stage::of(&silence, self.now), silence };
        self.index.deadlines.insert(kept.due(), Timer::Silence(id));
        self.out.push(Output::SilenceChanged(Box::new(kept.silence.clone())));
        if let Some(old) = Arc::make_mut(&mut self.state.silences).insert(id, kept)
            && self.state.silences.get(&id).is_some_and(|kept| kept.due() != old.due())
        {
            self.index.deadlines.remove(old.due(), Timer::Silence(id));
        }
        touched.push(id);
    }

    /// Serves all silences that are due at that moment together: one that begins as another ends leaves no gap.
    pub fn silences_due(&mut self, at: Moment, first: SilenceId) {
        let mut ids = vec![first];
        while let Some(next) = self.index.deadlines.pop_silence(at) {
            ids.push(next);
        }
        let mut touched = Vec::new();
        for id in ids {
            let Some(kept) = self.state.silences.get(&id) else { continue };
            let stage = match kept.stage {
                Stage::Expired if kept.silence.ends_at.at + SILENCE_RETENTION <= at => {
                    Arc::make_mut(&mut self.state.silences).remove(&id);
                    self.out.push(Output::SilenceForgotten { id });
                    continue;
                }
                Stage::Pending | Stage::Active | Stage::Expired => Stage::of(&kept.silence, at),
            };
            if let Some(kept) = Arc::make_mut(&mut self.state.silences).get_mut(&id) {
                kept.stage = stage;
                self.index.deadlines.insert(kept.due(), Timer::Silence(id));
                touched.push(id);
            }
        }
        self.silences_changed(&touched);
    }

    /// Brings every alert in line with the silences that began, ended or changed.
    fn silences_changed(&mut self, touched: &[SilenceId]) {
        if touched.is_empty() {
            return;
        }
        let is_active = |id: &SilenceId| self.state.silences.get(id).is_some_and(|kept| kept.stage == Stage::Active);
        let was_active: Vec<SilenceId> =
            touched.iter().filter(|id| self.index.active_silences.contains(id)).copied().collect();
        let active: Vec<&Silence> = touched
            .iter()
            .filter(|id| is_active(id))
            .filter_map(|id| self.state.silences.get(id).map(|kept| &kept.silence))
            .collect();
        let mut moves: Vec<(Fingerprint, Vec<SilenceId>)> = Vec::new();
        for (fingerprint, alert) in self.state.alerts.iter() {
            let mut by: Vec<SilenceId> =
                alert.silenced_by.iter().filter(|id| !was_active.contains(id)).copied().collect();
            by.extend(active.iter().filter(|silence| silence.silences(&alert.labels)).map(|silence| silence.id));
            by.sort_unstable();
            by.dedup();
            if by != alert.silenced_by {
                moves.push((*fingerprint, by));
            }
        }
        let matters = !active.is_empty() || !was_active.is_empty();
        self.index.active_silences =
            self.state.silences.iter().filter(|(id, _)| is_active(id)).map(|(id, _)| *id).collect();
        for (fingerprint, silenced_by) in moves {
            self.silence_alert(fingerprint, silenced_by);
        }
        if matters {
            let fired: Vec<ConditionKey> = self.index.fired.iter().cloned().collect();
            fired.iter().for_each(|key| self.review_memberless(key));
        }
    }
}

fn not_found() -> Refused {
    Refused::NotFound { what: "silence not found".to_owned() }
}

/// What is wrong with a silence, in the order and the words of Alertmanager.
fn check(asked: &Silence, now: Moment) -> Result<(), Refused> {
    let invalid = |reason: &str| Err(Refused::Invalid { reason: reason.to_owned() });
    if asked.starts_at.at >= asked.ends_at.at {
        return invalid("Failed to create silence: start time must be before end time");
    }
    if asked.ends_at.at < now {
        return invalid("Failed to create silence: end time can't be in the past");
    }
    if asked.matchers.0.is_empty() {
        return invalid("invalid silence: at least one matcher required");
    }
    if asked.matchers.iter().all(matches_empty) {
        return invalid("invalid silence: at least one matcher must not match the empty string");
    }
    Ok(())
}

/// As Alertmanager asks it: a negative matcher never counts as matching the empty string.
fn matches_empty(matcher: &Matcher) -> bool {
    match matcher.op() {
        MatcherOp::Equal | MatcherOp::Matches => matcher.matches_value(""),
        MatcherOp::NotEqual | MatcherOp::NotMatches => false,
    }
}

/// Whether a change keeps the id: it must not rewrite what the silence did so far.
fn may_update(known: &KeptSilence, asked: &Silence, now: Moment) -> bool {
    let second = |stamp: Stamp| stamp.at.as_micros().div_euclid(1_000_000);
    if known.silence.matchers != asked.matchers {
        return false;
    }
    match known.stage {
        Stage::Active => second(known.silence.starts_at) == second(asked.starts_at) && asked.ends_at.at >= now,
        Stage::Pending => asked.starts_at.at >= now,
        Stage::Expired => false,
    }
}
