//! Each pattern: when it fires and clears, and the effects of late, repeated and grouped events.

use super::{check, check_only};

/// Points at those seconds against a threshold of 3 in 10 s; the times at which it fires and clears.
#[track_caller]
fn threshold(pattern: &str, seconds: &[i64], expected: &[(i64, &str)]) {
    let rules = format!("t: alertname=\"E\" | {pattern}");
    let mut scenario: String = seconds.iter().map(|second| format!("{second}s point E\n")).collect();
    scenario.push_str("1000s tick");
    let at = |second: i64| crate::core::model::TimeDelta::from_seconds(second).to_string();
    let expected: String = expected.iter().map(|(second, what)| format!("{} {what}\n", at(*second))).collect();
    check_only("raised cleared", &[&rules], &scenario, &expected);
}

/// The cases of the pattern specification, answered with windows that are half-open and slide: (t − 10 s, t].
#[test]
fn three_in_ten_seconds_slides_and_clears_when_its_window_is_empty() {
    let three = "threshold 3 in 10s";
    let fired = |second| (second, "raised t{} indeterminate 0 alerts 3 events");
    let clear = |second| (second, "cleared t{}");
    threshold(three, &[0, 5, 9], &[fired(9), clear(19)]);
    // The first lies exactly a window back, so it is out of it.
    threshold(three, &[0, 5, 10], &[]);
    threshold(three, &[0, 5, 11], &[]);
    threshold(three, &[0, 5, 11, 14], &[fired(14), clear(24)]);
    threshold(three, &[0, 5, 11, 15], &[]);
    threshold(three, &[0, 5, 11, 16], &[]);
    // Events during the raised state extend it.
    threshold(three, &[0, 1, 2, 10, 11], &[fired(2), clear(21)]);
    let every_second: Vec<i64> = (0..=40).collect();
    threshold(three, &every_second, &[fired(2), clear(50)]);
}

#[test]
fn one_in_ten_seconds_and_a_clear_threshold_of_two() {
    let fired = |second, events| {
        (
            second,
            ["", "raised t{} indeterminate 0 alerts 1 events", "", "raised t{} indeterminate 0 alerts 3 events"]
                [events],
        )
    };
    let clear = |second| (second, "cleared t{}");
    threshold("threshold 1 in 10s", &[0, 5, 12], &[fired(0, 1), clear(22)]);
    threshold(
        "threshold 1 in 10s",
        &[0, 10, 21],
        &[fired(0, 1), clear(10), fired(10, 1), clear(20), fired(21, 1), clear(31)],
    );
    // Below two for the window: the second newest of 0, 2, 4 leaves it at 12.
    threshold("threshold 3 in 10s clear 2", &[0, 2, 4], &[fired(4, 3), clear(12)]);
    // The remaining old events still count for the next time: 8, 13, 14 lie in one window.
    threshold("threshold 3 in 10s clear 2", &[0, 1, 2, 13, 14, 15], &[fired(2, 3), clear(11), fired(15, 3), clear(24)]);
}

#[test]
fn late_events_count_where_they_happened() {
    check_only(
        "raised cleared",
        &["t: alertname=\"E\" | threshold 3 in 10s"],
        "20s point E !at=20s
         25s point E !at=25s
         40s point E !at=18s
         100s tick",
        "40s raised t{} indeterminate 0 alerts 3 events
         40s cleared t{}",
    );
}

#[test]
fn alerts_count_by_transition_join_as_members_and_keep_it_up_while_they_fire() {
    check(
        "t: alertname=\"Down\" | threshold 2 in 60s | by=site",
        "0s firing Down site=GZ host=a
         10s firing Down site=GZ host=a
         20s firing Down site=GZ host=b
         30s firing Down site=GZ host=c
         40s resolved Down site=GZ host=a
         50s resolved Down site=GZ host=b
         300s resolved Down site=GZ host=c",
        "20s raised t{site=GZ} indeterminate 2 alerts 2 events
         30s joined t{site=GZ} Down,host=c,site=GZ indeterminate
         40s left t{site=GZ} Down,host=a,site=GZ
         50s left t{site=GZ} Down,host=b,site=GZ
         5m left t{site=GZ} Down,host=c,site=GZ
         5m cleared t{site=GZ}",
    );
}

#[test]
fn on_message_counts_every_message() {
    check(
        "t: alertname=\"Down\" | threshold 3 in 60s | messages",
        "0s firing Down host=a
         10s firing Down host=a
         20s firing Down host=a
         30s resolved Down host=a
         200s tick",
        "20s raised t{} indeterminate 1 alerts 3 events
         30s left t{} Down,host=a
         1m20s cleared t{}",
    );
}

#[test]
fn a_flapping_alert_counts_each_time_and_a_status_matcher_counts_its_ends() {
    check(
        "flap: alertname=\"Link\" | threshold 3 in 60s
         ends: alertname=\"Door\",@status=\"resolved\" | threshold 2 in 60s | continue
         doors: alertname=\"Door\" | threshold 99 in 60s | because",
        "0s firing Link port=1
         1s resolved Link port=1
         2s firing Link port=1
         3s resolved Link port=1
         4s firing Link port=1
         10s firing Door d=1
         11s resolved Door d=1
         12s firing Door d=1
         13s resolved Door d=1",
        "4s raised flap{} indeterminate 1 alerts 3 events
         13s raised ends{} indeterminate 0 alerts 2 events",
    );
}

#[test]
fn a_held_alert_shows_its_count_and_goes_on_to_the_next_rule_in_time() {
    check_only(
        "raised joined left cleared alert",
        &["many: alertname=\"Down\" | threshold 3 in 60s
           site: site=~\"G.*\" | each | by=site"],
        "0s firing Down site=GZ host=a
         10s firing Down site=SZ host=b
         59s tick
         60s tick
         70s tick
         80s firing Down site=GZ host=a !severity=major",
        "0s alert Down,host=a,site=GZ firing indeterminate of many (rule many, 1 of 3)
         10s alert Down,host=b,site=SZ firing indeterminate of many (rule many, 2 of 3)
         1m raised site{site=GZ} indeterminate 1 alerts 1 events
         1m alert Down,host=a,site=GZ firing indeterminate of site
         1m10s raised catch-all{Down,source=native} indeterminate 1 alerts 1 events
         1m10s alert Down,host=b,site=SZ firing indeterminate of catch-all
         1m20s joined site{site=GZ} Down,host=a,site=GZ major
         1m20s alert Down,host=a,site=GZ firing major of site",
    );
}

#[test]
fn a_rule_that_says_because_swallows() {
    check(
        "noise: alertname=\"Down\" | threshold 3 in 60s | because",
        "0s firing Down host=a
         1000s tick
         2000s resolved Down host=a",
        "",
    );
}

#[test]
fn each_by_a_key_groups_alerts_and_points() {
    check(
        "site: site!=\"\" | each | by=site quiet=30s",
        "0s firing Down site=广州 host=a !severity=minor
         1s firing Slow site=广州 host=b !severity=major
         2s point Trap site=广州
         3s resolved Down site=广州 host=a
         4s resolved Slow site=广州 host=b
         20s point Trap site=广州
         60s tick",
        "0s raised site{site=广州} minor 1 alerts 1 events
         1s joined site{site=广州} Slow,host=b,site=广州 major
         2s raised site{site=广州} major 2 alerts 1 events
         3s left site{site=广州} Down,host=a,site=广州
         4s left site{site=广州} Slow,host=b,site=广州
         50s cleared site{site=广州}",
    );
}

#[test]
fn points_that_go_on_under_a_raised_condition_are_told_again_once_a_minute() {
    check(
        "trap: alertname=\"Trap\" | each | quiet=30s",
        "0s point Trap
         20s point Trap
         40s point Trap
         60s point Trap
         80s point Trap
         200s tick",
        "0s raised trap{Trap} indeterminate 0 alerts 1 events
         1m raised trap{Trap} indeterminate 0 alerts 4 events
         1m50s cleared trap{Trap}",
    );
}

#[test]
fn a_pair_ends_with_its_second_event() {
    check(
        "link: alertname=\"LinkDown\" | pair until alertname=\"LinkUp\" | by=port",
        "0s point LinkDown port=1
         1s point LinkDown port=2
         2s point LinkDown port=1
         3s point LinkUp port=1
         4s point LinkUp port=1
         5s point LinkDown port=1
         1000s tick",
        "0s raised link{port=1} indeterminate 0 alerts 1 events
         1s raised link{port=2} indeterminate 0 alerts 1 events
         3s cleared link{port=1}
         5s raised link{port=1} indeterminate 0 alerts 1 events",
    );
}

#[test]
fn a_pair_of_alerts_lets_its_members_go_and_its_second_event_raises_nothing() {
    check(
        "power: alertname=\"PowerFail\" | pair until alertname=\"PowerBack\" | by=site",
        "0s firing PowerFail site=GZ
         1s firing PowerBack site=SZ
         2s resolved PowerFail site=GZ
         3s firing PowerFail site=GZ
         4s firing PowerBack site=GZ
         5s resolved PowerFail site=GZ
         6s resolved PowerBack site=GZ",
        "0s raised power{site=GZ} indeterminate 1 alerts 1 events
         2s left power{site=GZ} PowerFail,site=GZ
         3s joined power{site=GZ} PowerFail,site=GZ indeterminate
         4s left power{site=GZ} PowerFail,site=GZ
         4s cleared power{site=GZ}",
    );
}

#[test]
fn a_pair_may_end_by_time_and_knows_what_came_late() {
    check(
        "link: alertname=\"LinkDown\" | pair until alertname=\"LinkUp\" within 60s",
        "0s point LinkDown
         59s tick
         60s tick
         100s point LinkUp
         105s point LinkDown !at=99s
         110s point LinkDown !at=108s
         111s point LinkUp !at=107s
         112s point LinkUp !at=112s",
        "0s raised link{} indeterminate 0 alerts 1 events
         1m cleared link{}
         1m50s raised link{} indeterminate 0 alerts 1 events
         1m52s cleared link{}",
    );
}

#[test]
fn absence_is_armed_by_the_first_message_and_ends_with_the_next() {
    check(
        "beat: alertname=\"Beat\" | absence 60s | by=host severity=major",
        "0s point Beat host=a
         30s point Beat host=b
         50s point Beat host=a
         100s tick
         200s point Beat host=a
         300s tick",
        "1m30s raised beat{host=b} major 0 alerts 1 events
         1m50s raised beat{host=a} major 0 alerts 1 events
         3m20s cleared beat{host=a}
         4m20s raised beat{host=a} major 0 alerts 1 events",
    );
}

#[test]
fn a_heartbeat_alert_is_kept_alive_by_its_re_sends_and_dies_with_its_expiry() {
    check_only(
        "raised cleared left alert",
        &["beat: alertname=\"Watchdog\" | absence 90s"],
        "0s firing Watchdog !expires=300s
         60s firing Watchdog !expires=300s
         120s firing Watchdog !expires=300s
         420s tick
         500s firing Watchdog !expires=300s",
        "0s alert Watchdog firing indeterminate of beat (rule beat, expects it again within 1m30s)
         3m30s raised beat{} indeterminate 0 alerts 1 events
         7m alert Watchdog resolved indeterminate of beat
         8m20s cleared beat{}
         8m20s alert Watchdog firing indeterminate of beat (rule beat, expects it again within 1m30s)",
    );
}

#[test]
fn the_reason_and_the_title_say_what_happened() {
    use super::super::{Output, Verdict};
    let mut raised = Vec::new();
    let rules = "t: alertname=\"Down\" | threshold 2 in 60s | by=site title={site}:{count}x{alertname}";
    let steps =
        super::language::scenario("0s firing Down site=广州 !raw=x\n1s firing Down site=广州 n=2 !summary=光缆");
    let mut correlator = super::Correlator::new(super::language::rulebook(rules));
    for (step, offset) in steps.iter().zip(7..) {
        let super::Verb::Event(event) = &step.verb else { continue };
        let mut out = Vec::new();
        let (partition, offset) = (crate::core::model::Partition::DEFAULT, crate::core::model::Offset(offset));
        correlator.event(step.at, crate::core::model::Cause { partition, offset, n: 0 }, event, &mut out);
        raised.extend(out.into_iter().filter_map(|output| match output {
            Output::Decision(decision) => match decision.verdict {
                Verdict::Raised(raised) => Some(raised),
                _ => None,
            },
            _ => None,
        }));
    }
    let [raised] = raised.as_slice() else { panic!("{raised:?}") };
    assert_eq!(raised.title, "广州:2xDown");
    assert_eq!(raised.reason, "t (threshold): 2 matches within 1m, 2 are enough");
    assert_eq!(raised.labels.to_string(), r#"{alertname="Down", site="广州"}"#);
    let evidence: Vec<_> = raised.evidence.iter().map(|one| (one.cause.offset.0, one.raw.as_deref())).collect();
    assert_eq!(evidence, [(7, Some("x")), (8, None)]);
    assert_eq!(raised.evidence[1].summary, "光缆");
}
