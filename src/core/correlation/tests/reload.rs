//! New rulebooks and downtime: state that survives, is dropped, or gets more time.

use super::{check, check_only};

const SAID: &str = "raised joined left held released cleared retired dropped";

#[test]
fn windows_live_on_where_their_rule_means_the_same() {
    check_only(
        SAID,
        &[
            "t: alertname=\"E\" | threshold 3 in 60s\nu: alertname=\"F\" | threshold 3 in 60s",
            "first: alertname=\"X\" | each\nu: alertname=\"F\" | threshold 2 in 60s
             t: alertname=\"E\" | threshold 3 in 60s | title=new",
        ],
        "0s point E
         1s point E
         2s point F
         3s point F
         4s rules 1
         5s point E
         6s point F
         7s point F",
        "4s dropped u 1
         5s raised t{} indeterminate 0 alerts 3 events
         7s raised u{} indeterminate 0 alerts 2 events",
    );
}

#[test]
fn what_is_gone_is_retired_and_its_alerts_are_owned_anew() {
    check_only(
        SAID,
        &["down: alertname=\"Down\" | each", "site: site!=\"\" | each | by=site"],
        "0s firing Down site=GZ host=a
         1s firing Down site=GZ host=b
         2s firing Slow site=GZ
         3s rules 1
         4s resolved Down site=GZ host=a
         5s rules 0",
        "0s raised down{Down,host=a,site=GZ} indeterminate 1 alerts 1 events
         1s raised down{Down,host=b,site=GZ} indeterminate 1 alerts 1 events
         2s raised catch-all{Slow,source=native} indeterminate 1 alerts 1 events
         3s retired down{Down,host=b,site=GZ}
         3s retired down{Down,host=a,site=GZ}
         3s dropped down 2
         3s left catch-all{Slow,source=native} Slow,site=GZ
         3s cleared catch-all{Slow,source=native}
         3s raised site{site=GZ} indeterminate 1 alerts 1 events
         3s joined site{site=GZ} Down,host=b,site=GZ indeterminate
         3s joined site{site=GZ} Down,host=a,site=GZ indeterminate
         4s left site{site=GZ} Down,host=a,site=GZ
         5s retired site{site=GZ}
         5s dropped site 1
         5s raised catch-all{Slow,source=native} indeterminate 1 alerts 1 events
         5s raised down{Down,host=b,site=GZ} indeterminate 1 alerts 1 events",
    );
}

#[test]
fn a_new_threshold_counts_the_firing_alerts_from_when_they_began() {
    check_only(
        SAID,
        &[
            "t: alertname=\"Down\" | threshold 9 in 60s | because",
            "t: alertname=\"Down\" | threshold 2 in 60s | because",
        ],
        "0s firing Down host=a
         80s firing Down host=b
         90s firing Down host=c
         100s rules 1
         100s rules 0
         200s rules 1",
        "1m40s dropped t 1
         1m40s raised t{} indeterminate 3 alerts 2 events
         1m40s retired t{}
         1m40s dropped t 1
         3m20s dropped t 1",
    );
}

#[test]
fn an_unchanged_rulebook_changes_nothing() {
    let rules = "t: alertname=\"Down\" | threshold 2 in 60s\nall: alertname!=\"\" | each | by=site";
    check_only(
        "raised joined left held released cleared retired dropped alert",
        &[rules, rules],
        "0s firing Down site=GZ
         1s firing Slow site=GZ
         2s rules 1
         3s rules 0",
        "0s alert Down,site=GZ firing indeterminate of t (rule t, 1 of 2)
         1s raised all{site=GZ} indeterminate 1 alerts 1 events
         1s alert Slow,site=GZ firing indeterminate of all",
    );
}

#[test]
fn a_new_continue_rule_links_what_fires_and_an_old_one_lets_go() {
    check_only(
        SAID,
        &["all: alertname!=\"\" | each", "seen: site=\"GZ\" | each | continue\nall: alertname!=\"\" | each"],
        "0s firing Down site=GZ
         1s rules 1
         2s rules 0",
        "0s raised all{Down,site=GZ} indeterminate 1 alerts 1 events
         1s raised seen{Down,site=GZ} indeterminate 1 alerts 1 events
         2s retired seen{Down,site=GZ}
         2s dropped seen 1",
    );
}

#[test]
fn new_inhibitions_hold_back_what_fires_already() {
    check_only(
        SAID,
        &[
            "all: alertname!=\"\" | each",
            "inhibit: alertname=\"Power\" -> alertname=\"Down\" | site\nall: alertname!=\"\" | each",
        ],
        "0s firing Power site=GZ
         1s firing Down site=GZ
         2s rules 1
         3s rules 0",
        "0s raised all{Power,site=GZ} indeterminate 1 alerts 1 events
         1s raised all{Down,site=GZ} indeterminate 1 alerts 1 events
         2s held all{Down,site=GZ} by inhibition by alert Power,site=GZ
         3s released all{Down,site=GZ}",
    );
}

#[test]
fn an_inhibition_that_goes_lets_go_of_alerts_and_points() {
    let inhibited = "inhibit: alertname=\"Power\" -> alertname=~\"Down|Trap\" | site
         trap: alertname=\"Trap\" | each | quiet=1h
         all: alertname!=\"\" | each";
    check_only(
        SAID,
        &[inhibited, inhibited.split_once('\n').unwrap().1],
        "0s firing Power site=GZ
         1s firing Down site=GZ
         2s point Trap site=GZ
         3s rules 1",
        "0s raised all{Power,site=GZ} indeterminate 1 alerts 1 events
         3s raised all{Down,site=GZ} indeterminate 1 alerts 1 events
         3s raised trap{Trap,site=GZ} indeterminate 0 alerts 1 events",
    );
}

#[test]
fn a_rule_that_comes_back_starts_afresh() {
    check_only(
        SAID,
        &["t: alertname=\"E\" | threshold 2 in 600s", ""],
        "0s point E
         1s rules 1
         2s rules 0
         3s point E
         4s point E",
        "1s dropped t 1
         4s raised t{} indeterminate 0 alerts 2 events",
    );
}

#[test]
fn a_heartbeat_under_a_changed_rule_is_expected_from_its_last_message_on() {
    check_only(
        SAID,
        &["beat: alertname=\"Watchdog\" | absence 600s", "beat: alertname=\"Watchdog\" | absence 60s"],
        "0s firing Watchdog
         500s firing Watchdog
         520s rules 1
         559s tick
         560s tick",
        "8m40s dropped beat 1
         9m20s raised beat{} indeterminate 0 alerts 1 events",
    );
}

#[test]
fn what_ended_while_we_were_away_gets_time_to_speak() {
    check_only(
        "raised left cleared touched",
        &["beat: alertname=\"Beat\" | absence 60s | by=host
           slow: alertname=\"Hourly\" | absence 3600s
           t: alertname=\"E\" | threshold 1 in 60s
           all: alertname!=\"\" | each"],
        "0s point Beat host=a
         1s point Beat host=b
         2s point Hourly
         3s v2 Down host=a
         4s v2 Down host=b !starts=0s !ends=1000s
         5s firing Down host=c !expires=900s
         6s firing Down host=d !expires=90000s
         7s point E
         7200s resumed 7193s
         7260s point Beat host=a
         7400s tick
         7500s tick
         8100s tick
         10800s tick",
        "3s raised all{Down,host=a} indeterminate 1 alerts 1 events
         4s raised all{Down,host=b} indeterminate 1 alerts 1 events
         5s raised all{Down,host=c} indeterminate 1 alerts 1 events
         6s raised all{Down,host=d} indeterminate 1 alerts 1 events
         7s raised t{} indeterminate 0 alerts 1 events
         2h touched Down,host=a until 2h5m
         2h touched Down,host=c until 2h15m
         2h touched Down,host=b until 2h16m36s
         2h cleared t{}
         2h2m raised beat{host=a} indeterminate 0 alerts 1 events
         2h5m left all{Down,host=a} Down,host=a
         2h5m cleared all{Down,host=a}
         2h5m raised beat{host=b} indeterminate 0 alerts 1 events
         2h15m left all{Down,host=c} Down,host=c
         2h15m cleared all{Down,host=c}
         2h16m36s left all{Down,host=b} Down,host=b
         2h16m36s cleared all{Down,host=b}
         3h raised slow{} indeterminate 0 alerts 1 events",
    );
}

#[test]
fn other_deadlines_run_on_during_downtime() {
    check(
        "t: alertname=\"Down\" | threshold 3 in 600s | otherwise=60s",
        "0s silence S1 host=\"a\" 0s..100s
         0s firing Down host=a
         3600s resumed 3590s",
        "0s answer S1
         1h raised catch-all{Down,source=native} indeterminate 1 alerts 1 events",
    );
}
