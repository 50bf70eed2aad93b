//! The live engine on virtual time: recorded inputs in, a story out, as fast as they go.

use std::sync::Arc;

use super::firings::Firings;
use super::outcome::ReplayResult;
use crate::core::correlation::{Explanation, LATENESS};
use crate::core::engine::{BatchOutput, Engine, ExplainRequest, ExplainResponse, Request};
use crate::core::model::{Event, TimeDelta, Timestamp};
use crate::core::rules::Rulebook;

/// How long the virtual clock runs on after the last input, so that everything that was to happen has happened.
pub const RUN_ON: TimeDelta = TimeDelta::from_hours(24);

/// An engine that starts with its first input and is asked for nothing but its story.
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

    /// Writes from now on what fires and clears.
    pub fn follow_firings(&mut self, firings: Firings) {
        self.engine.follow_firings(true);
        self.firings = Some(firings);
    }

    /// No firing from here on is of interest.
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

    /// One input at its moment, after every deadline that is due by then.
    pub fn take(&mut self, at: Timestamp, request: Request) -> Result<(), String> {
        let at = self.begin(at)?;
        // A gap is told before the deadlines that fell into it.
        if !matches!(request, Request::Resumed { .. } | Request::ClockStepped { .. }) {
            self.until(at)?;
        }
        if let Request::Event(event) = &request {
            self.story.event(event);
        }
        self.handle(at, request)
    }

    /// Serves everything that is due by that moment, and stands there.
    pub fn until(&mut self, moment: Timestamp) -> Result<(), String> {
        while let Some((at, partition)) = self.engine.next_deadline().filter(|(at, _)| *at <= moment) {
            self.handle(at, Request::Tick(partition))?;
        }
        self.now = self.now.max(Some(moment));
        Ok(())
    }

    /// Lets everything happen that was still to happen.
    pub fn run_on(&mut self) -> Result<(), String> {
        match self.now {
            Some(now) => self.until(now + RUN_ON),
            None => Ok(()),
        }
    }

    /// What would become of an event now.
    pub fn explain(&self, event: &Event, rule: Option<&str>) -> Option<Explanation> {
        let question = ExplainRequest::Event { event: Box::new(event.clone()), rule: rule.map(str::to_owned) };
        match self.engine.explain(self.now?, &question) {
            ExplainResponse::Event(explanation) => Some(*explanation),
            ExplainResponse::Window(_) | ExplainResponse::Unknown => None,
        }
    }

    /// Whatever runs by the calendar begins with the first input, not in 1970.
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

/// Rules for a player: what inspections found is among the recorded events, so none run.
pub fn without_inspections(mut rulebook: Rulebook) -> Arc<Rulebook> {
    rulebook.plans.clear();
    Arc::new(rulebook)
}

/// How long before a moment one must begin so that every window stands there as it would have.
pub fn warm_up(rulebook: &Rulebook) -> TimeDelta {
    let spans = rulebook
        .rules
        .iter()
        .flat_map(|rule| [rule.pattern.window(), rule.quiet, Some(rule.otherwise_after), Some(rule.reopen_within)]);
    spans.flatten().max().unwrap_or(TimeDelta::ZERO) + LATENESS
}
