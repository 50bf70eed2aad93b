//! The boundaries of the bands, ranks, and half-open periods.

use super::*;
use crate::core::model::{IncidentId, Tier, TimeDelta, Timestamp};

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
