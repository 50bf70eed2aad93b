//! A silence that is sent again with its Idempotency-Key: one silence, one answer.

use super::stage;
use super::stage::{START, engine, play, rulebook};
use crate::core::engine::{
    BatchOutput, CommandRefusal, Effect, Engine, IdempotencyKey, Outcome, RecordChange, Request, SilenceChange,
    SilenceDraft,
};
use crate::core::model::{Labels, Matchers, Stamp, TimeDelta, Timestamp};

const RULES: &str = "rules:\n  - {name: link, match: alertname=\"LinkDown\", notify_delay: 0s}\n";

fn silence(at: Timestamp, actor: &str, key: Option<&str>, site: &str) -> Request {
    let matchers = format!("site={site:?}");
    let once = key.map(|key| IdempotencyKey::of(key.to_owned(), &matchers));
    let draft = SilenceDraft {
        matchers: Matchers::parse(&matchers).unwrap(),
        starts_at: Stamp::utc(at),
        ends_at: Stamp::utc(at + TimeDelta::from_days(3)),
        created_by: actor.to_owned(),
        comment: "割接".to_owned(),
        annotations: Labels::empty(),
        until_resolved: false,
    };
    let change = SilenceChange::Put { id: None, draft };
    Request::Silence { actor: actor.to_owned(), role: "first_line".to_owned(), change, once }
}

fn answer(engine: &mut Engine, at: Timestamp, request: Request) -> (Outcome, Vec<Option<String>>) {
    let mut work = BatchOutput::default();
    stage::serve(engine, at, &mut work, |_, _, _| ());
    let outcome = engine.handle(at, request, &mut work).expect("everything due was served");
    let audited = work.effects.iter().filter_map(|effect| match effect {
        Effect::Record(RecordChange::Audit(entry)) => Some(entry.refused.clone()),
        _ => None,
    });
    (outcome.expect("a silence is answered"), audited.collect())
}

#[test]
fn a_silence_that_is_sent_again_with_its_key_is_one_silence_for_a_day() {
    let rules = rulebook(RULES);
    for domain_label in [None, Some("domain")] {
        let mut engine = engine(domain_label, std::slice::from_ref(&rules));
        play(&mut engine, &(START, Request::Rulebook(rules.hash)), &mut BatchOutput::default());
        let at = |minutes| START + TimeDelta::from_minutes(minutes);
        let (first, audited) = answer(&mut engine, at(1), silence(at(1), "甲", Some("k-1"), "广州"));
        assert!(matches!(first, Outcome::Silence { .. }), "{first:?}");
        assert_eq!(audited, [None]);
        // The repeat comes later, so what it left out is filled in otherwise.
        let again = answer(&mut engine, at(2), silence(at(2), "甲", Some("k-1"), "广州"));
        assert_eq!(again, (first.clone(), vec![]));
        assert_eq!(engine.silences().len(), 1);
        // Other words with the same key were not done, and must not look as if they had been.
        let (other, audited) = answer(&mut engine, at(3), silence(at(3), "甲", Some("k-1"), "深圳"));
        assert!(
            matches!(&other, Outcome::Refused(CommandRefusal::NotAllowed { reason }) if reason.contains("k-1")),
            "{other:?}"
        );
        assert!(matches!(&audited[..], [Some(_)]), "{audited:?}");
        assert_eq!(engine.silences().len(), 1);
        // Somebody else's key, and none at all, are other silences.
        let (theirs, _) = answer(&mut engine, at(4), silence(at(4), "乙", Some("k-1"), "广州"));
        assert_ne!(theirs, first);
        answer(&mut engine, at(5), silence(at(5), "甲", None, "广州"));
        assert_eq!(engine.silences().len(), 3);
        let (next_day, _) = answer(&mut engine, at(25 * 60), silence(at(25 * 60), "甲", Some("k-1"), "广州"));
        assert_ne!(next_day, first);
        assert_eq!(engine.silences().len(), 4);
    }
}
