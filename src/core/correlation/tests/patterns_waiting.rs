//! Patterns that put several events together or wait for one: sequences, groups, rates, flapping, calendars.

use super::{check, check_only};

/// Lines of raised, cleared and hit limits only.
#[track_caller]
fn fires(rule: &str, scenario: &str, expected: &str) {
    check_only("raised cleared", &[rule], scenario, expected);
}

const STEPS: &str = "s: alertname=\"A\" | {sequence: {steps: ['alertname=\"B\"', 'alertname=\"C\"'], within: 10s}} | by: [x], clear_after: 5s";

#[test]
fn a_sequence_wants_its_steps_in_order_and_in_time() {
    let fired =
        |second: u32| format!("{second}s raised s{{}} indeterminate 0 alerts 3 events\n{}s cleared s{{}}", second + 5);
    fires(STEPS, "0s point A\n1s point B\n2s point C\n60s tick", &fired(2));
    fires(STEPS, "0s point A\n1s point C\n2s point B\n60s tick", "");
    fires(STEPS, "0s point A\n1s point B\n10s point C\n60s tick", "");
    // A later beginning lives longer.
    fires(
        STEPS,
        "0s point A\n5s point A\n6s point B\n14s point C\n60s tick",
        "14s raised s{} indeterminate 0 alerts 4 events\n19s cleared s{}",
    );
    // A completed sequence is over.
    fires(
        STEPS,
        "0s point A\n1s point B\n2s point C\n3s point C\n60s tick",
        "2s raised s{} indeterminate 0 alerts 3 events\n7s cleared s{}",
    );
}

#[test]
fn a_late_step_is_taken_in_at_its_place() {
    fires(
        STEPS,
        "100s point B !at=92s\n101s point C !at=95s\n102s point A !at=90s\n160s tick",
        "1m42s raised s{} indeterminate 0 alerts 3 events\n1m42s cleared s{}",
    );
    // In the order of their times the second came before the first.
    fires(STEPS, "100s point A !at=95s\n101s point B !at=92s\n102s point C\n160s tick", "");
}

#[test]
fn captures_compare_with_an_earlier_step() {
    let rule =
        "s: alertname=\"A\" | {sequence: {steps: ['alertname=\"B\", to=\"{1.host}\"'], within: 10s}} | clear_after: 5s";
    fires(
        rule,
        "0s point A host=甲\n1s point A host=乙\n2s point B to=丙\n3s point B to=甲\n4s point B to=甲\n60s tick",
        "3s raised s{} indeterminate 0 alerts 4 events\n8s cleared s{}",
    );
    // At most sixteen wait; the oldest was dropped.
    let many: String = (0..17).map(|host| format!("0s point A host=h{host}\n")).collect();
    check_only(
        "raised count",
        &[rule],
        &format!("{many}1s point B to=h0\n2s point B to=h1\n60s tick"),
        "0s count bound Instances\n2s raised s{} indeterminate 0 alerts 19 events",
    );
}

#[test]
fn a_sequence_of_alerts_stands_while_they_fire_and_passes_on_what_it_held_too_long() {
    check(
        "s: alertname=\"A\" | {sequence: {steps: ['alertname=\"B\"'], within: 1m}} | by: [x], pass_on_after: 20s",
        "0s firing A
         5s firing B
         60s resolved B
         90s resolved A
         100s firing A n=1
         200s resolved A n=1",
        "5s raised s{} indeterminate 2 alerts 2 events
         1m left s{} B
         1m30s left s{} A
         1m30s cleared s{}
         2m raised catch-all{A,source=native} indeterminate 1 alerts 1 events
         3m20s left catch-all{A,source=native} A,n=1
         3m20s cleared catch-all{A,source=native}",
    );
}

const GROUP: &str = "g: x=\"1\" | {group: {all: [{match: 'alertname=\"A\"', count: 2}, {match: 'alertname=~\"A|B\"'}], within: 10s}} | by: [x], clear_after: 5s";

#[test]
fn a_group_wants_all_counts_in_any_order_and_an_event_counts_once() {
    // The third A still is an A: the second class never gets it.
    fires(GROUP, "0s point A x=1\n1s point A x=1\n2s point A x=1\n60s tick", "");
    fires(
        GROUP,
        "0s point B x=1\n1s point A x=1\n2s point A x=1\n3s point A x=1\n60s tick",
        "2s raised g{x=1} indeterminate 0 alerts 3 events\n7s cleared g{x=1}",
    );
    fires(GROUP, "0s point B x=1\n9s point A x=1\n10s point A x=1\n60s tick", "");
    fires(
        GROUP,
        "10s point A x=1\n11s point A x=1\n12s point B x=1 !at=8s\n60s tick",
        "12s raised g{x=1} indeterminate 0 alerts 3 events\n16s cleared g{x=1}",
    );
}

#[test]
fn distinct_values_count_once_each_at_their_newest() {
    let rule = "d: alertname=\"E\" | {threshold: {count: 3, within: 10s, distinct: 设备}} | by: [x]";
    fires(rule, "0s point E 设备=a\n1s point E 设备=b\n2s point E 设备=b\n3s point E\n60s tick", "");
    fires(
        rule,
        "0s point E 设备=a\n8s point E 设备=b\n9s point E 设备=a\n12s point E 设备=c\n60s tick",
        "12s raised d{} indeterminate 0 alerts 3 events\n22s cleared d{}",
    );
    fires(
        rule,
        "0s point E 设备=a\n1s point E 设备=b\n2s point E 设备=c\n3s point E 设备=d\n60s tick",
        "2s raised d{} indeterminate 0 alerts 3 events\n13s cleared d{}",
    );
}

#[test]
fn a_rate_fires_above_and_clears_as_soon_as_it_is_not() {
    // More than 2 in 10s, over 10s: three.
    let rule = "r: alertname=\"E\" | {rate: {above: 0.2, per: 1s, within: 10s}} | by: [x]";
    fires(
        rule,
        "0s point E\n4s point E\n9s point E\n12s point E\n60s tick",
        "9s raised r{} indeterminate 0 alerts 3 events\n10s cleared r{}\n12s raised r{} indeterminate 0 alerts 3 events\n14s cleared r{}",
    );
}

#[test]
fn a_high_rate_is_counted_in_buckets() {
    // More than 1200 a minute; a bucket is a second.
    let rule = "r: alertname=\"E\" | {rate: {above: 1200, per: 1m, within: 1m}} | by: [x]";
    let burst: String = (0..1201).map(|n| format!("{}s point E n={n}\n", 1 + n / 100)).collect();
    fires(rule, &format!("{burst}200s tick"), "13s raised r{} indeterminate 0 alerts 20 events\n1m1s cleared r{}");
    let fewer: String = (0..1200).map(|n| format!("{}s point E n={n}\n", 1 + n / 100)).collect();
    fires(rule, &format!("{fewer}200s tick"), "");
}

#[test]
fn flapping_counts_both_ways_and_stops_when_it_is_calm() {
    let up_and_down: String =
        (0..6).map(|n| format!("{}s {} Link\n", n * 10, if n % 2 == 0 { "firing" } else { "resolved" })).collect();
    fires(
        "f: alertname=\"Link\" | {flap: {start: 5, within: 1m, stop: 1, stop_within: 90s}} | by: [x], continue: true\nrest: alertname=\"Link\" | each",
        &format!("{up_and_down}300s tick"),
        "0s raised rest{Link} indeterminate 1 alerts 1 events
         10s cleared rest{Link}
         20s raised rest{Link} indeterminate 1 alerts 1 events
         30s cleared rest{Link}
         40s raised f{} indeterminate 1 alerts 5 events
         40s raised rest{Link} indeterminate 1 alerts 1 events
         50s cleared rest{Link}
         2m10s cleared f{}",
    );
}

/// Seven results that change, then calm. Nagios: five changes weigh at most 5.99 of 20, so it takes six; with fifteen
/// calm results the sum is 305/76, just above 4. Icinga: six weigh 6.78, and at fifteen calm results 4.20 are left.
#[test]
fn flapping_by_results_meets_its_limits_exactly() {
    let results: String = (0..40)
        .map(|n| format!("{n}s point Link !severity={}\n", if n % 2 == 0 || n > 6 { "major" } else { "cleared" }))
        .collect();
    let rule = |mode: &str| format!("f: alertname=\"Link\" | {{flap: {{mode: {mode}}}}} | by: [x]");
    fires(&rule("nagios"), &results, "5s raised f{} major 0 alerts 6 events\n22s cleared f{}");
    fires(&rule("icinga"), &results, "5s raised f{} major 0 alerts 6 events\n21s cleared f{}");
    // Every message of an alert is a result, and without any the history ends.
    let alert: String =
        (0..8).map(|n| format!("{n}s {} Link !raw={n}\n", if n % 2 == 0 { "firing" } else { "resolved" })).collect();
    fires(
        &format!(
            "{}, clear_after: 1m\nrest: alertname=\"Link\" | threshold 99 in 1s | because",
            rule("icinga").replace("by: [x]", "by: [x], continue: true")
        ),
        &format!("{alert}200s tick"),
        "5s raised f{} indeterminate 0 alerts 6 events\n1m7s cleared f{}",
    );
}

#[test]
fn a_calendar_fires_by_its_zone_while_its_guard_holds() {
    // The scenarios begin at midnight UTC, eight in the morning in Shanghai.
    let rules = "work: alertname=\"Open\",@status=\"point\" | yaml | incident: false, contexts: [{set: OPEN, for: 2h}]
                 c: - | {calendar: {schedule: 30 8 * * *, zone: Asia/Shanghai}} | context: OPEN, clear_after: 10m";
    fires(
        rules,
        "1s point Open\n24h point X\n49h point Open\n50h tick\n80h tick",
        "30m raised c{} indeterminate 0 alerts 0 events\n40m cleared c{}",
    );
}
