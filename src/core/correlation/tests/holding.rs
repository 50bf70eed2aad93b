//! Dependency on topology, maintenance windows, silences until resolved, storms: each in typical situations.

use super::{check, check_only};

const NETWORK: &str = "grouping: off
    item: core @GZ
    item: agg @GZ < core
    item: acc @SZ < agg
    inhibit: alertname=\"Down\" -> alertname=~\"Down|Slow\" |  | through=8
    down: alertname!=\"\" | each";

#[test]
fn a_parents_failure_explains_its_children_whichever_comes_first() {
    check_only(
        "raised held released cleared alert",
        &[NETWORK],
        "0s firing Down host=acc
         5s firing Down host=core
         6s firing Down host=agg
         7s firing Slow host=other
         20s resolved Down host=core
         30s resolved Down host=agg
         40s resolved Down host=acc",
        "0s raised down{Down,host=acc} indeterminate 1 alerts 1 events
         0s alert Down,host=acc firing indeterminate of down
         5s raised down{Down,host=core} indeterminate 1 alerts 1 events
         5s held down{Down,host=acc} by dependency on alert Down,host=core
         5s alert Down,host=core firing indeterminate of down
         5s alert Down,host=acc firing indeterminate of down by Down,host=core
         6s alert Down,host=agg firing indeterminate of down (rule down, waits for the end of dependency on alert Down,host=core) by Down,host=core
         6s alert Down,host=acc firing indeterminate of down by Down,host=agg
         7s raised down{Slow,host=other} indeterminate 1 alerts 1 events
         7s alert Slow,host=other firing indeterminate of down
         20s raised down{Down,host=agg} indeterminate 1 alerts 1 events
         20s cleared down{Down,host=core}
         20s alert Down,host=core resolved indeterminate of down
         20s alert Down,host=agg firing indeterminate of down
         30s released down{Down,host=acc}
         30s cleared down{Down,host=agg}
         30s alert Down,host=agg resolved indeterminate of down
         30s alert Down,host=acc firing indeterminate of down
         40s cleared down{Down,host=acc}
         40s alert Down,host=acc resolved indeterminate of down",
    );
}

#[test]
fn in_a_circle_what_fired_first_stays_free() {
    check_only(
        "raised held released",
        &["grouping: off
           item: 甲 < 丙
           item: 乙 < 甲
           item: 丙 < 乙
           inhibit: alertname=\"Down\" -> alertname=\"Down\" |  | through=2
           down: alertname!=\"\" | each"],
        "0s firing Down host=乙
         1s firing Down host=甲
         2s firing Down host=丙
         10s resolved Down host=乙",
        "0s raised down{Down,host=乙} indeterminate 1 alerts 1 events
         10s raised down{Down,host=甲} indeterminate 1 alerts 1 events",
    );
}

#[test]
fn a_changed_inventory_changes_what_explains_what() {
    let apart = NETWORK.replace("item: agg @GZ < core", "item: agg @GZ");
    check_only(
        "raised held released",
        &[NETWORK, &apart],
        "0s firing Down host=core
         1s firing Down host=acc
         10s rules 1
         20s rules 0",
        "0s raised down{Down,host=core} indeterminate 1 alerts 1 events
         10s raised down{Down,host=acc} indeterminate 1 alerts 1 events
         20s held down{Down,host=acc} by dependency on alert Down,host=core",
    );
}

#[test]
fn a_point_below_a_failure_waits_for_its_end() {
    check(
        "grouping: off
         item: acc < agg
         inhibit: alertname=\"Down\" -> alertname=\"Trap\" |  | through=1
         trap: alertname=\"Trap\" | each | quiet=60s
         all: alertname!=\"\" | each",
        "0s firing Down host=agg
         10s point Trap host=acc
         20s resolved Down host=agg
         100s tick",
        "0s raised all{Down,host=agg} indeterminate 1 alerts 1 events
         20s raised trap{Trap,host=acc} indeterminate 0 alerts 1 events
         20s left all{Down,host=agg} Down,host=agg
         20s cleared all{Down,host=agg}
         1m10s cleared trap{Trap,host=acc}",
    );
}

#[test]
fn maintenance_holds_what_it_covers_and_what_still_fires_is_raised_when_it_ends() {
    check_only(
        "raised held released cleared alert count",
        &["item: sw1 @GZ
           maintenance: 割接 60s..120s |  | site=GZ change=CHG-1 pauses
           down: alertname!=\"\" | each"],
        "0s firing Down host=sw1
         70s firing Slow host=sw1
         80s firing Slow site=GZ
         90s resolved Slow site=GZ
         95s firing Slow host=sw2
         120s tick",
        "0s raised down{Down,host=sw1} indeterminate 1 alerts 1 events
         0s alert Down,host=sw1 firing indeterminate of down
         1m count suppressed Maintenance
         1m held down{Down,host=sw1} by maintenance 割接, paused
         1m alert Down,host=sw1 firing indeterminate of down by 割接
         1m10s count suppressed Maintenance
         1m10s alert Slow,host=sw1 firing indeterminate of down (rule down, waits for the end of maintenance 割接) by 割接
         1m20s count suppressed Maintenance
         1m20s alert Slow,site=GZ firing indeterminate of down (rule down, waits for the end of maintenance 割接) by 割接
         1m30s alert Slow,site=GZ resolved indeterminate of down by 割接
         1m35s raised down{Slow,host=sw2} indeterminate 1 alerts 1 events
         1m35s alert Slow,host=sw2 firing indeterminate of down
         2m released down{Down,host=sw1}
         2m raised down{Slow,host=sw1} indeterminate 1 alerts 1 events (no recurrence)
         2m alert Down,host=sw1 firing indeterminate of down
         2m alert Slow,host=sw1 firing indeterminate of down",
    );
}

#[test]
fn windows_recur_and_a_silence_that_follows_leaves_no_gap() {
    // The scenario begins at midnight UTC, eight in the morning in Shanghai.
    check_only(
        "raised held released",
        &["maintenance: nightly cron 2_8_*_*_* 60s Asia/Shanghai | site=\"GZ\"
           down: alertname!=\"\" | each"],
        "0s firing Down site=GZ
         130s silence S1 site=\"GZ\" 180s..240s
         180s tick
         240s tick
         87000s tick",
        "0s raised down{Down,site=GZ} indeterminate 1 alerts 1 events
         2m held down{Down,site=GZ} by maintenance nightly
         4m released down{Down,site=GZ}
         1d2m held down{Down,site=GZ} by maintenance nightly
         1d3m released down{Down,site=GZ}",
    );
}

#[test]
fn clocks_stand_still_only_while_approved_changes_hold_everything() {
    check_only(
        "raised held released",
        &["maintenance: a 10s..50s | host=\"a\" | change=CHG-1 pauses
           maintenance: b 20s..40s | host=\"b\" | change=CHG-2 pauses
           site: site!=\"\" | each | by=site"],
        "0s firing Down site=GZ host=a
         1s firing Down site=GZ host=b
         30s silence S1 host=\"b\" 30s..60s
         100s tick",
        "0s raised site{site=GZ} indeterminate 1 alerts 1 events
         20s held site{site=GZ} by maintenance b, paused
         40s held site{site=GZ} by silence S1
         50s released site{site=GZ}",
    );
}

#[test]
fn a_reload_opens_and_closes_windows() {
    let rules = "down: alertname!=\"\" | each";
    let with = format!("maintenance: m 0s..100s | site=\"GZ\"\n{rules}");
    check_only(
        "raised held released",
        &[rules, &with],
        "0s firing Down site=GZ
         10s rules 1
         20s rules 0
         30s rules 1
         100s tick",
        "0s raised down{Down,site=GZ} indeterminate 1 alerts 1 events
         10s held down{Down,site=GZ} by maintenance m
         20s released down{Down,site=GZ}
         30s held down{Down,site=GZ} by maintenance m
         1m40s released down{Down,site=GZ}",
    );
}

#[test]
fn a_silence_until_resolved_ends_with_the_last_alert_it_held() {
    check_only(
        "raised held released cleared silence",
        &["down: alertname!=\"\" | each"],
        "0s firing Down host=a
         1s firing Down host=b
         10s silence S1 alertname=\"Down\" 10s..1000s until_resolved
         20s resolved Down host=a
         25s firing Down host=a
         30s resolved Down host=b
         40s firing Down host=c",
        "0s raised down{Down,host=a} indeterminate 1 alerts 1 events
         1s raised down{Down,host=b} indeterminate 1 alerts 1 events
         10s silence S1 10s..16m40s
         10s held down{Down,host=b} by silence S1
         10s held down{Down,host=a} by silence S1
         20s cleared down{Down,host=a}
         25s raised down{Down,host=a} indeterminate 1 alerts 1 events
         30s cleared down{Down,host=b}
         30s silence S1 10s..30s
         40s raised down{Down,host=c} indeterminate 1 alerts 1 events",
    );
}

const STORM: &str =
    "storm: 风暴 | alertname!=\"Fire\" | scope=site at_least=3 buckets=2 leave=2m representatives=2 top=critical
    down: alertname!=\"\" | each";

#[test]
fn a_storm_has_one_incident_and_holds_its_alerts_until_it_is_calm() {
    check_only(
        "raised held released cleared",
        &[STORM],
        "0s firing Old site=GZ
         60s firing A site=GZ host=1
         61s firing A site=GZ host=2
         62s firing B site=GZ
         63s firing C site=SZ
         120s firing D site=GZ host=1
         121s firing D site=GZ host=2
         122s firing D site=GZ host=3
         123s firing Fire site=GZ
         124s firing E site=GZ severity=critical
         125s resolved D site=GZ host=3
         240s firing F site=GZ
         300s tick
         310s firing G site=GZ",
        "0s raised down{Old,site=GZ} indeterminate 1 alerts 1 events
         1m raised down{A,host=1,site=GZ} indeterminate 1 alerts 1 events
         1m1s raised down{A,host=2,site=GZ} indeterminate 1 alerts 1 events
         1m2s raised down{B,site=GZ} indeterminate 1 alerts 1 events
         1m3s raised down{C,site=SZ} indeterminate 1 alerts 1 events
         2m raised down{D,host=1,site=GZ} indeterminate 1 alerts 1 events
         2m1s raised down{D,host=2,site=GZ} indeterminate 1 alerts 1 events
         2m2s raised 风暴{site=GZ} indeterminate 0 alerts 2 events
         2m2s held down{A,host=1,site=GZ} by storm 风暴 site=GZ
         2m2s held down{A,host=2,site=GZ} by storm 风暴 site=GZ
         2m2s held down{B,site=GZ} by storm 风暴 site=GZ
         2m2s held down{D,host=1,site=GZ} by storm 风暴 site=GZ
         2m2s held down{D,host=2,site=GZ} by storm 风暴 site=GZ
         2m3s raised down{Fire,site=GZ} indeterminate 1 alerts 1 events
         2m4s raised down{E,severity=critical,site=GZ} critical 1 alerts 1 events
         5m cleared 风暴{site=GZ}
         5m released down{A,host=1,site=GZ}
         5m released down{A,host=2,site=GZ}
         5m released down{B,site=GZ}
         5m released down{D,host=1,site=GZ}
         5m released down{D,host=2,site=GZ}
         5m raised down{F,site=GZ} indeterminate 1 alerts 1 events
         5m10s raised down{G,site=GZ} indeterminate 1 alerts 1 events",
    );
}

#[test]
fn what_people_mean_to_be_quiet_makes_no_storm_and_a_storm_that_leaves_the_rules_lets_go() {
    let calm = STORM.lines().nth(1).unwrap();
    let quick = STORM.replace("buckets=2", "buckets=1");
    check_only(
        "raised held released cleared retired dropped",
        &[&quick, calm],
        "0s silence S1 host=~\".+\" 0s..1000s
         1s firing A site=GZ host=1
         2s firing A site=GZ host=2
         3s firing A site=GZ host=3
         4s firing B site=GZ
         5s firing C site=GZ
         6s firing D site=GZ
         10s rules 1",
        "4s raised down{B,site=GZ} indeterminate 1 alerts 1 events
         5s raised down{C,site=GZ} indeterminate 1 alerts 1 events
         6s raised 风暴{site=GZ} indeterminate 0 alerts 2 events
         6s held down{B,site=GZ} by storm 风暴 site=GZ
         6s held down{C,site=GZ} by storm 风暴 site=GZ
         10s retired 风暴{site=GZ}
         10s dropped 风暴 1
         10s released down{C,site=GZ}
         10s raised down{D,site=GZ} indeterminate 1 alerts 1 events
         10s released down{B,site=GZ}",
    );
}
