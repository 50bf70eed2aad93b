//! The engine as a judge: rule files through its own loader, events on virtual time, and what its correlator decides.

use std::sync::Arc;

use watchfire::core::correlation::Verdict;
use watchfire::core::engine::{BatchOutput, DeskInput, Engine, Input, Request};
use watchfire::core::model::{Event, Labels, Status, Timestamp};
use watchfire::core::rules::{RuleText, load};

use super::case::{self, Case, Millis, Pattern, Semantics, Told, What};

/// When every case begins: 2026-02-13T00:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_770_940_800);

struct Player<'a> {
    case: &'a Case,
    engine: Engine,
    work: BatchOutput,
    told: Vec<Told>,
}

/// What the engine tells of a case until `horizon`.
pub fn told(case: &Case, horizon: Millis) -> Vec<Told> {
    let text = RuleText { path: "case.yaml".to_owned(), text: case.yaml() };
    let loaded = load(vec![text]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{case}"));
    let (mut engine, hash) = (Engine::new(None), loaded.rulebook.hash);
    engine.register_rulebook(Arc::new(loaded.rulebook));
    let mut player = Player { case, engine, work: BatchOutput::default(), told: Vec::new() };
    player.take(START, Request::Rulebook(hash));
    for event in &case.events {
        let now = at(event.at);
        player.serve(now);
        player.take(now, Request::Event(Box::new(translated(event))));
    }
    player.serve(at(horizon));
    player.told
}

fn at(millis: Millis) -> Timestamp {
    Timestamp::from_micros(START.as_micros() + millis * 1_000)
}

fn translated(event: &case::Event) -> Event {
    let status = match event.status {
        case::Status::Point => Status::Point,
        case::Status::Firing => Status::Firing,
        case::Status::Resolved => Status::Resolved,
    };
    let labels = Labels::from_pairs([("alertname", event.name), ("site", event.site), ("host", event.host)]);
    Event { occurred_at: Some(at(event.happened())), ..Event::new("case", status, labels) }
}

impl Player<'_> {
    fn serve(&mut self, until: Timestamp) {
        while let Some((at, partition)) = self.engine.next_deadline().filter(|(at, _)| *at <= until) {
            self.take(at, Request::Tick(partition));
        }
    }

    fn take(&mut self, now: Timestamp, request: Request) {
        self.engine.handle(now, request, &mut self.work).unwrap();
        self.work.effects.clear();
        for (_, entry) in self.work.entries.drain(..) {
            let Input::Desk(DeskInput::Decision { decision, .. }) = entry.input else { continue };
            let what = match &decision.verdict {
                Verdict::Raised(_) => What::Raised,
                Verdict::Cleared => What::Cleared,
                Verdict::Joined { .. }
                | Verdict::Left { .. }
                | Verdict::Held { .. }
                | Verdict::Released
                | Verdict::Grouped(_)
                | Verdict::Retired => continue,
            };
            let Some(rule) = decision.rule.strip_prefix('r').and_then(|number| number.parse::<usize>().ok()) else {
                // The catch-all, which takes alerts that no rule has.
                continue;
            };
            let is_keyed = self.case.rules[rule].keyed;
            let key = decision.key.get("site").filter(|_| is_keyed).unwrap_or("all").to_owned();
            let at = entry.now.since(START).as_micros() / 1_000;
            self.told.push(Told { at, rule, key, what });
        }
    }
}

/// Leaves out what is told of a condition that stands already: the desk is reminded now and then. Only where SEC says
/// each firing is each of them told: within a minute, when no reminder comes.
pub fn changes(story: Vec<Told>, case: &Case) -> Vec<Told> {
    let mut raised = std::collections::BTreeSet::new();
    let mut kept: Vec<Told> = Vec::new();
    for one in story {
        let place = (one.rule, one.key.clone());
        let is_change = match one.what {
            What::Raised => raised.insert(place),
            What::Cleared => raised.remove(&place),
        };
        let rule = &case.rules[one.rule];
        let repeats = rule.semantics == Semantics::Sec && matches!(rule.pattern, Pattern::Group { repeat: true, .. });
        if is_change || repeats {
            kept.push(one);
        }
    }
    // In one moment the order between rules and keys is nobody's promise.
    kept.sort_by_key(|one| (one.at, one.rule, one.key.clone()));
    kept
}
