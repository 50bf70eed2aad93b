//! One test: its inputs through the engine, its expectations against the results.

use std::collections::VecDeque;
use std::sync::Arc;

use super::compare;
use super::compare::Mismatch;
use crate::app::commands::replay::ReplayEngine;
use crate::core::engine::{Request, SilenceChange, SilenceDraft};
use crate::core::model::{Event, Labels, Stamp, TimeDelta, Timestamp};
use crate::core::rules::{Expectation, Rulebook, TestCase, TestInput, TestStep};
use crate::ingest::decode;

/// Outcome of a test.
pub struct TestOutcome<'a> {
    pub test: &'a TestCase,
    /// The input that failed, by its line, with the reason.
    pub broken: Option<(usize, String)>,
    pub failures: Vec<Failure>,
}

/// A failed expectation.
pub struct Failure {
    pub at: TimeDelta,
    pub moment: Timestamp,
    pub line: usize,
    pub wrong: Vec<Mismatch>,
}

impl TestOutcome<'_> {
    pub fn has_failed(&self) -> bool {
        self.broken.is_some() || !self.failures.is_empty()
    }
}

pub fn run<'a>(test: &'a TestCase, rulebook: &Arc<Rulebook>) -> TestOutcome<'a> {
    let mut running =
        TestRun { player: ReplayEngine::new(Arc::clone(rulebook), None), start: test.start, events: Vec::new() };
    let mut outcome = TestOutcome { test, broken: None, failures: Vec::new() };
    let mut steps: VecDeque<&TestStep> = test.steps.iter().collect();
    for expectation in &test.expectations {
        while let Some(step) = steps.pop_front_if(|step| step.at <= expectation.at) {
            if let Err(reason) = running.take(step) {
                outcome.broken = Some((step.line, reason));
                return outcome;
            }
        }
        if let Err(reason) = running.until(expectation) {
            outcome.broken = Some((expectation.line, reason));
            return outcome;
        }
        let wrong = compare::judge(expectation, &running.player, &running.events);
        if !wrong.is_empty() {
            let moment = test.start + expectation.at;
            outcome.failures.push(Failure { at: expectation.at, moment, line: expectation.line, wrong });
        }
    }
    outcome
}

struct TestRun {
    player: ReplayEngine,
    start: Timestamp,
    /// Inputs so far: examined if an incident is missing.
    events: Vec<Event>,
}

impl TestRun {
    fn take(&mut self, step: &TestStep) -> Result<(), String> {
        let at = self.start + step.at;
        match &step.input {
            TestInput::Event(event) => self.event(at, event.as_ref().clone()),
            TestInput::Silence { matchers, length } => {
                let draft = SilenceDraft {
                    matchers: matchers.clone(),
                    starts_at: Stamp::utc(at),
                    ends_at: Stamp::utc(at + *length),
                    created_by: "test".to_owned(),
                    comment: "a test's silence".to_owned(),
                    annotations: Labels::empty(),
                    until_resolved: false,
                };
                let change = SilenceChange::Put { id: None, draft };
                let (actor, role) = ("test".to_owned(), "admin".to_owned());
                self.player.take(at, Request::Silence { actor, role, change, once: None })
            }
            TestInput::Payload { source, payload, topic } => {
                let found = self.player.rulebook().source(source);
                let found = found.ok_or_else(|| format!("no source named {source:?} in these rules"))?;
                let decoded = decode::decode(found, payload.as_bytes(), &decode::mqtt_context(topic));
                let decoded =
                    decoded.map_err(|error| format!("source {source:?} cannot read this payload: {error}"))?;
                if let Some(rejected) = decoded.rejected.first() {
                    return Err(format!("source {source:?} refuses an item of this payload: {}", rejected.error));
                }
                decoded.events.into_iter().try_for_each(|event| self.event(at, event))
            }
        }
    }

    fn event(&mut self, at: Timestamp, event: Event) -> Result<(), String> {
        self.events.push(event.clone());
        self.player.take(at, Request::Event(Box::new(event)))
    }

    fn until(&mut self, expectation: &Expectation) -> Result<(), String> {
        let at = self.player.begin(self.start + expectation.at)?;
        self.player.until(at)
    }
}
