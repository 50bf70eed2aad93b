//! Silences: Alertmanager's rules for creating, changing and ending them, and the effects of each start and end on
//! alerts.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::core::correlation::input::SilenceInput;
use crate::core::correlation::input_context::CorrelationContext;
use crate::core::correlation::output::{CorrelationLimit, CorrelationMetric, Output, Refused};
use crate::core::correlation::state::{AlertStage, StoredSilence};
use crate::core::correlation::timers::Timer;
use crate::core::correlation::{RESOLVED_PER_SILENCE, SILENCE_RETENTION, SILENCES_MAX};
use crate::core::model::{Fingerprint, Matcher, MatcherOp, Silence, SilenceId, Stamp, Timestamp};

impl CorrelationContext<'_> {
    pub fn change_silence(&mut self, change: &SilenceInput) {
        let mut touched = Vec::new();
        let answer = match change {
            SilenceInput::Put { id, silence } => self.put_silence(*id, silence, &mut touched),
            SilenceInput::Expire(id) => self.expire_silence(*id, &mut touched).map(|()| *id),
        };
        self.follow_silences(&touched);
        self.out.push(Output::Answer(answer));
    }

    /// Handles a firing alert's end: a silence until resolved no longer suppresses it, and ends with the last of its
    /// alerts.
    pub fn resolved_under_silences(&mut self, fingerprint: Fingerprint) {
        let Some(held) = self.state.alerts.get(&fingerprint).and_then(|alert| alert.held.as_ref()) else { return };
        let silenced_by = held.silenced_by.clone();
        self.index.silenced.moved(fingerprint, &silenced_by, &[]);
        let mut touched = Vec::new();
        for id in silenced_by {
            if !self.state.silences.get(&id).is_some_and(|kept| kept.silence.until_resolved) {
                continue;
            }
            let Some(kept) = Arc::make_mut(&mut self.state.silences).get_mut(&id) else { continue };
            kept.done.insert(fingerprint);
            let is_full = kept.done.len() > RESOLVED_PER_SILENCE;
            if is_full {
                self.count(CorrelationMetric::Bound { which: CorrelationLimit::ResolvedUnderSilence });
            }
            if (is_full || self.index.silenced.by(&id).is_empty()) && self.expire_silence(id, &mut touched).is_err() {
                // Already recorded.
                continue;
            }
        }
        self.follow_silences(&touched);
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
            AlertStage::Expired => return Ok(()),
            AlertStage::Active => silence.ends_at = now,
            AlertStage::Pending => (silence.starts_at, silence.ends_at) = (now, now),
        }
        silence.updated_at = self.now;
        self.keep_silence(silence, touched);
        Ok(())
    }

    fn keep_silence(&mut self, silence: Silence, touched: &mut Vec<SilenceId>) {
        let id = silence.id;
        if let Some(old) = self.state.silences.get(&id).filter(|old| old.silence.matchers != silence.matchers) {
            self.index.active_silences.remove(&old.silence);
        }
        let done = self.state.silences.get(&id).map(|kept| kept.done.clone()).unwrap_or_default();
        let kept = StoredSilence { stage: AlertStage::of(&silence, self.now), silence, done };
        self.index.deadlines.insert(kept.due(), Timer::Silence(id));
        self.out.push(Output::SilenceChanged(Box::new(kept.silence.clone())));
        if let Some(old) = Arc::make_mut(&mut self.state.silences).insert(id, kept)
            && self.state.silences.get(&id).is_some_and(|kept| kept.due() != old.due())
        {
            self.index.deadlines.remove(old.due(), Timer::Silence(id));
        }
        touched.push(id);
    }

    /// The wall clock was set that many microseconds forward: ends that people typed as civil times come so much sooner,
    /// and beginnings that have not come yet.
    pub fn silences_follow(&mut self, micros: i64) {
        let moved = |stamp: Stamp| stamp.shifted(micros.saturating_neg());
        let timed = |kept: &&StoredSilence| {
            kept.stage != AlertStage::Expired && kept.silence.ends_at.at < Timestamp::FAR_FUTURE
        };
        let silences: Vec<(AlertStage, Silence)> =
            self.state.silences.values().filter(timed).map(|kept| (kept.stage, kept.silence.clone())).collect();
        let mut touched = Vec::new();
        for (stage, mut silence) in silences {
            silence.ends_at = moved(silence.ends_at);
            if stage == AlertStage::Pending {
                silence.starts_at = moved(silence.starts_at);
            }
            self.keep_silence(silence, &mut touched);
        }
        self.follow_silences(&touched);
    }

    /// Handles due silences; returns the alerts that they suppress from now on, or no longer.
    pub fn silences_due(&mut self, at: Timestamp, ids: &[SilenceId]) -> BTreeSet<Fingerprint> {
        let mut touched = Vec::new();
        for id in ids {
            let Some(kept) = self.state.silences.get(id) else { continue };
            let stage = match kept.stage {
                AlertStage::Expired if kept.silence.ends_at.at + SILENCE_RETENTION <= at => {
                    Arc::make_mut(&mut self.state.silences).remove(id);
                    self.out.push(Output::SilenceForgotten { id: *id });
                    continue;
                }
                AlertStage::Pending | AlertStage::Active | AlertStage::Expired => AlertStage::of(&kept.silence, at),
            };
            if let Some(kept) = Arc::make_mut(&mut self.state.silences).get_mut(id) {
                kept.stage = stage;
                self.index.deadlines.insert(kept.due(), Timer::Silence(*id));
                touched.push(*id);
            }
        }
        self.silences_changed(&touched)
    }

    /// Applies the effects of silences that began, ended or changed.
    fn follow_silences(&mut self, touched: &[SilenceId]) {
        if touched.is_empty() {
            return;
        }
        let alerts = self.silences_changed(touched);
        alerts.iter().for_each(|fingerprint| self.review(*fingerprint));
        self.review_all_memberless();
    }

    /// Updates the active silences; returns the alerts that they suppress from now on, or no longer.
    fn silences_changed(&mut self, touched: &[SilenceId]) -> BTreeSet<Fingerprint> {
        let mut alerts = BTreeSet::new();
        let mut begun: Vec<&Silence> = Vec::new();
        for id in touched {
            let Some(kept) = self.state.silences.get(id) else { continue };
            let was_active = self.index.active_silences.contains(id);
            if !was_active {
                // Its former matchers may have matched others.
                alerts.extend(self.index.silenced.by(id));
            }
            match (was_active, kept.stage) {
                (true, AlertStage::Active) | (false, AlertStage::Pending | AlertStage::Expired) => {}
                (true, AlertStage::Pending | AlertStage::Expired) => {
                    self.index.active_silences.remove(&kept.silence);
                    alerts.extend(self.index.silenced.by(id));
                }
                (false, AlertStage::Active) => {
                    self.index.active_silences.insert(&kept.silence);
                    begun.push(&kept.silence);
                }
            }
        }
        if !begun.is_empty() {
            let firing = self.state.alerts.iter().filter(|(_, alert)| alert.times.firing);
            let held = firing.filter(|(_, alert)| begun.iter().any(|silence| silence.silences(&alert.labels)));
            alerts.extend(held.map(|(fingerprint, _)| *fingerprint));
        }
        alerts
    }
}

fn not_found() -> Refused {
    Refused::NotFound { what: "silence not found".to_owned() }
}

/// Checks a silence, in the order and the words of Alertmanager.
fn check(asked: &Silence, now: Timestamp) -> Result<(), Refused> {
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

/// As in Alertmanager, a negative matcher never counts as matching the empty string.
fn matches_empty(matcher: &Matcher) -> bool {
    match matcher.op() {
        MatcherOp::Equal | MatcherOp::Matches => matcher.matches_value(""),
        MatcherOp::NotEqual | MatcherOp::NotMatches => false,
    }
}

/// True if a change keeps the id: it must not rewrite the silence's past.
fn may_update(known: &StoredSilence, asked: &Silence, now: Timestamp) -> bool {
    let second = |stamp: Stamp| stamp.at.as_micros().div_euclid(1_000_000);
    if known.silence.matchers != asked.matchers || known.silence.until_resolved != asked.until_resolved {
        return false;
    }
    match known.stage {
        AlertStage::Active => second(known.silence.starts_at) == second(asked.starts_at) && asked.ends_at.at >= now,
        AlertStage::Pending => asked.starts_at.at >= now,
        AlertStage::Expired => false,
    }
}
