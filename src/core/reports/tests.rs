//! The boundaries of the bands, ranks, and half-open periods.

use super::*;
use crate::core::incidents::{TimelineEntry, TimelineFact, TimelineKind};
use crate::core::model::{IncidentId, ProblemId, Tier, TimeDelta, Timestamp};
use crate::core::problems::ProblemState;

fn minute(minutes: i64) -> Timestamp {
    Timestamp::EPOCH + TimeDelta::from_minutes(minutes)
}

fn case(id: u64, opened: i64, resolved: Option<i64>, tier: Option<Tier>) -> IncidentFacts {
    IncidentFacts {
        id: IncidentId(id),
        opened_at: minute(opened),
        acknowledged_at: Some(minute(opened + 1)),
        resolved_at: resolved.map(minute),
        ending: if resolved.is_some() { Ending::Resolved } else { Ending::Open },
        tier,
        escalations: u64::from(tier != Some(Tier::First)),
        bounces: 0,
        reopened: 0,
        overdue: false,
        late_because: None,
        recurring: false,
        outages: Vec::new(),
    }
}

#[test]
fn bands_begin_exactly_at_their_share() {
    for (part, whole, expected) in [
        (17, 20, Some(Band::Expert)),
        (849, 1_000, Some(Band::Skilled)),
        (3, 5, Some(Band::Skilled)),
        (599, 1_000, Some(Band::Information)),
        (3, 10, Some(Band::Information)),
        (299, 1_000, Some(Band::Dispatch)),
        (0, 7, Some(Band::Dispatch)),
        (0, 0, None),
    ] {
        assert_eq!(Band::of(part, whole), expected, "{part} of {whole}");
    }
    for (part, whole, expected) in [
        (699, 1_000, Some(Containment::Below)),
        (7, 10, Some(Containment::Within)),
        (8, 10, Some(Containment::Within)),
        (801, 1_000, Some(Containment::Above)),
        (0, 0, None),
    ] {
        assert_eq!(Containment::of(part, whole), expected, "{part} of {whole}");
    }
}

#[test]
fn ranks_are_values_that_occurred() {
    let minutes = |all: &[i64]| all.iter().map(|one| TimeDelta::from_minutes(*one)).collect::<Vec<_>>();
    assert_eq!(DurationStatistics::of(Vec::new()), DurationStatistics::default());
    let times = DurationStatistics::of(minutes(&[10, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    assert_eq!((times.count, times.mean), (10, TimeDelta::from_seconds(330)));
    assert_eq!((times.median, times.p90), (TimeDelta::from_minutes(5), TimeDelta::from_minutes(9)));
    let one = DurationStatistics::of(minutes(&[7]));
    assert_eq!((one.median, one.p90), (TimeDelta::from_minutes(7), TimeDelta::from_minutes(7)));
}

#[test]
fn only_what_lies_in_the_period_and_pages_counts() {
    let always = WorkCalendar::always("always");
    let period = ReportPeriod { from: minute(100), to: minute(200) };
    let mut merged = case(6, 150, None, Some(Tier::First));
    merged.ending = Ending::Merged;
    let cases = [
        case(1, 50, Some(100), Some(Tier::First)),
        case(2, 100, Some(199), Some(Tier::Second)),
        case(3, 199, Some(200), Some(Tier::First)),
        case(4, 150, Some(160), None),
        case(5, 150, None, Some(Tier::First)),
        merged,
    ];
    let figures = IncidentFigures::of(&cases, period, &always);
    assert_eq!((figures.opened, figures.acknowledged, figures.resolved), (3, 3, 2));
    assert_eq!((figures.merged, figures.unpaged, figures.contained), (1, 1, 1));
    assert_eq!(figures.time_to_resolve.median, TimeDelta::from_minutes(50));
    assert_eq!(figures.by_tier.iter().map(|tier| tier.resolved).collect::<Vec<_>>(), [1, 1, 0]);
}

/// Whatever the words are, and whatever they look like.
#[test]
fn the_log_is_read_by_its_data_and_never_by_its_words() {
    let line = |n: i64, kind, text: &str, fact| TimelineEntry {
        incident: IncidentId(1),
        at: minute(n),
        kind,
        actor: "somebody".to_owned(),
        text: text.to_owned(),
        tier: Some(Tier::First),
        outage: None,
        fact,
    };
    let other = IncidentId(2);
    let late = || Some(TimelineFact::LateBecause { code: "spare_part".to_owned() });
    for (kind, text, fact, overdue, because, ending) in [
        (TimelineKind::Breached, "late (gold v1, on trial)", None, true, None, Ending::Open),
        (TimelineKind::Breached, "late", Some(TimelineFact::BreachedOnTrial), false, None, Ending::Open),
        (TimelineKind::BreachExplained, "vendor (no spare)", late(), false, Some("spare_part"), Ending::Open),
        (TimelineKind::BreachExplained, "vendor (no spare)", None, false, None, Ending::Open),
        (
            TimelineKind::Merged,
            "INC-2",
            Some(TimelineFact::MergedInto { incident: other }),
            false,
            None,
            Ending::Merged,
        ),
        (
            TimelineKind::Merged,
            "into it INC-2 went",
            Some(TimelineFact::TookIn { incident: other }),
            false,
            None,
            Ending::Open,
        ),
    ] {
        let lines = [line(0, TimelineKind::Opened, "", None), line(1, kind, text, fact)];
        let cases = cases_of_log(&lines);
        let found = (cases[0].overdue, cases[0].late_because.as_deref(), cases[0].ending);
        assert_eq!(found, (overdue, because, ending), "{text}");
    }
}

#[test]
fn a_problem_is_closed_while_its_last_move_says_so() {
    let moves = |states: &[ProblemState]| -> Vec<ProblemMove> {
        let at = |n: usize| minute(n as i64);
        states.iter().enumerate().map(|(n, to)| ProblemMove { at: at(n), problem: ProblemId(1), to: *to }).collect()
    };
    let period = ReportPeriod { from: minute(0), to: minute(100) };
    let always = WorkCalendar::always("always");
    use ProblemState as S;
    for (states, closed) in [
        (&[S::New, S::Investigating, S::Closed][..], 1),
        (&[S::New, S::Closed, S::Investigating], 0),
        (&[S::New, S::Duplicate], 0),
        (&[S::New, S::Closed, S::Investigating, S::Observing, S::Closed], 1),
    ] {
        let figures = Figures::of_log([], &[], &moves(states), period, &always, minute(100));
        assert_eq!((figures.problems.opened, figures.problems.closed), (1, closed), "{states:?}");
    }
}
