//! The live engine on virtual time: recorded inputs in, a result out, at full speed.

use std::sync::Arc;

use super::firings::Firings;
use super::outcome::ReplayResult;
use crate::core::correlation::{Explanation, LATENESS};
use crate::core::engine::{BatchOutput, Engine, ExplainRequest, ExplainResponse, Request};
use crate::core::model::{Event, TimeDelta, Timestamp};
use crate::core::rules::Rulebook;

/// Time that the virtual clock runs on after the last input, so that all pending timers run.
pub const RUN_ON: TimeDelta = TimeDelta::from_hours(24);

/// An engine that starts with its first input and returns only its result.
pub struct ReplayEngine {
    rulebook: Arc<Rulebook>,
    engine: Engine,
    work: BatchOutput,
    now: Option<Timestamp>,
    firings: Option<Firings>,
    pub story: ReplayResult,
}

impl ReplayEngine {
    pub fn new(rulebook: Arc<Rulebook>, domain_label: Option<String>) -> ReplayEngine {
        let mut engine = Engine::new(domain_label);
        engine.register_rulebook(Arc::clone(&rulebook));
        ReplayEngine {
            rulebook,
            engine,
            work: BatchOutput::default(),
            now: None,
            firings: None,
            story: ReplayResult::default(),
        }
    }

    /// Writes fired and cleared conditions from now on.
    pub fn follow_firings(&mut self, firings: Firings) {
        self.engine.follow_firings(true);
        self.firings = Some(firings);
    }

    /// Stops the recording of firings.
    pub fn finish_firings(&mut self) -> Result<(), String> {
        self.engine.follow_firings(false);
        self.firings.take().map_or(Ok(()), Firings::finish)
    }

    /// The virtual time; `None` before the first input.
    pub fn now(&self) -> Option<Timestamp> {
        self.now
    }

    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// Handles one input at its time, after every timer due by then.
    pub fn take(&mut self, at: Timestamp, request: Request) -> Result<(), String> {
        let at = self.begin(at)?;
        // A gap is reported before the timers that fell into it.
        if !matches!(request, Request::Resumed { .. } | Request::ClockStepped { .. }) {
            self.until(at)?;
        }
        if let Request::Event(event) = &request {
            self.story.event(event);
        }
        self.handle(at, request)
    }

    /// Runs every timer due by that time, and stops there.
    pub fn until(&mut self, moment: Timestamp) -> Result<(), String> {
        while let Some((at, partition)) = self.engine.next_deadline().filter(|(at, _)| *at <= moment) {
            self.handle(at, Request::Tick(partition))?;
        }
        self.now = self.now.max(Some(moment));
        Ok(())
    }

    /// Runs all pending timers.
    pub fn run_on(&mut self) -> Result<(), String> {
        match self.now {
            Some(now) => self.until(now + RUN_ON),
            None => Ok(()),
        }
    }

    /// The effect that an event would have now.
    pub fn explain(&self, event: &Event, rule: Option<&str>) -> Option<Explanation> {
        let question = ExplainRequest::Event { event: Box::new(event.clone()), rule: rule.map(str::to_owned) };
        match self.engine.explain(self.now?, &question) {
            ExplainResponse::Event(explanation) => Some(*explanation),
            ExplainResponse::Window(_) | ExplainResponse::Unknown => None,
        }
    }

    /// Calendar timers start with the first input, not in 1970.
    pub fn begin(&mut self, at: Timestamp) -> Result<Timestamp, String> {
        if let Some(now) = self.now {
            return Ok(at.max(now));
        }
        self.now = Some(at);
        self.handle(at, Request::Rulebook(self.rulebook.hash))?;
        Ok(at)
    }

    fn handle(&mut self, at: Timestamp, request: Request) -> Result<(), String> {
        self.engine.handle(at, request, &mut self.work).map_err(|error| error.to_string())?;
        self.now = Some(at);
        self.work.entries.clear();
        if let Some(firings) = &mut self.firings {
            self.engine.take_firings().try_for_each(|firing| firings.write(&firing))?;
        }
        self.story.take(at, &mut self.work.effects);
        Ok(())
    }
}

/// Rules for a replay: inspection findings are among the recorded events, so no inspection runs.
pub fn without_inspections(mut rulebook: Rulebook) -> Arc<Rulebook> {
    rulebook.plans.clear();
    Arc::new(rulebook)
}

/// Warm-up time before the start, so that every window has its real state there.
pub fn warm_up(rulebook: &Rulebook) -> TimeDelta {
    let spans = rulebook
        .rules
        .iter()
        .flat_map(|rule| [rule.pattern.window(), rule.quiet, Some(rule.otherwise_after), Some(rule.reopen_within)]);
    spans.flatten().max().unwrap_or(TimeDelta::ZERO) + LATENESS
}
