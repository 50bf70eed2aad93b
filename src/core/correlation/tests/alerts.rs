//! The life of alerts: transitions, re-sends, expiry, duplicates, the catch-all.

use super::{check, check_only};

const ALERTS: &str = "alert touched forgotten count";

#[test]
fn what_no_rule_owns_is_held_together_by_source_and_name() {
    check(
        "",
        "0s firing 断电 site=广州01 !severity=critical
         1s firing 断电 site=广州02
         2s resolved 断电 site=广州01
         3s resolved 断电 site=广州02
         4s point 断电 site=广州01",
        "0s raised catch-all{断电,source=native} critical 1 alerts 1 events
         1s joined catch-all{断电,source=native} 断电,site=广州02 indeterminate
         2s left catch-all{断电,source=native} 断电,site=广州01
         3s left catch-all{断电,source=native} 断电,site=广州02
         3s cleared catch-all{断电,source=native}",
    );
}

#[test]
fn a_resend_moves_times_and_decides_nothing() {
    check_only(
        ALERTS,
        &["down: alertname=\"Down\" | each"],
        "0s firing Down host=a !expires=60s
         30s firing Down host=a !expires=60s !value=2
         40s firing Down host=a !expires=60s !note=hot
         99s tick
         100s tick
         1900s tick",
        "0s alert Down,host=a firing indeterminate of down
         30s count resent
         30s touched Down,host=a until 1m30s
         40s count resent
         40s alert Down,host=a firing indeterminate of down
         1m40s alert Down,host=a resolved indeterminate of down
         31m40s forgotten Down,host=a",
    );
}

#[test]
fn transitions_are_first_again_severity_and_resolved() {
    check(
        "down: alertname=\"Down\" | each",
        "0s firing Down host=a !severity=minor
         1s firing Down host=a !severity=minor
         2s firing Down host=a !severity=critical
         3s resolved Down host=a !severity=cleared
         4s resolved Down host=a
         5s firing Down host=a !severity=major",
        "0s raised down{Down,host=a} minor 1 alerts 1 events
         2s joined down{Down,host=a} Down,host=a critical
         3s left down{Down,host=a} Down,host=a
         3s cleared down{Down,host=a}
         5s raised down{Down,host=a} major 1 alerts 1 events",
    );
}

#[test]
fn v2_alerts_end_at_their_end_or_the_time_out() {
    check(
        "down: alertname=\"Down\" | each",
        "0s v2 Down host=a
         200s v2 Down host=a
         499s tick
         500s tick
         600s v2 Down host=b !starts=600s !ends=700s
         650s v2 Down host=b !starts=600s !ends=750s
         700s v2 Down host=b !starts=600s !ends=699s
         800s v2 Down host=c !starts=800s !ends=810s
         900s tick",
        "0s raised down{Down,host=a} indeterminate 1 alerts 1 events
         8m20s left down{Down,host=a} Down,host=a
         8m20s cleared down{Down,host=a}
         10m raised down{Down,host=b} indeterminate 1 alerts 1 events
         11m40s left down{Down,host=b} Down,host=b
         11m40s cleared down{Down,host=b}
         13m20s raised down{Down,host=c} indeterminate 1 alerts 1 events
         13m30s left down{Down,host=c} Down,host=c
         13m30s cleared down{Down,host=c}",
    );
}

#[test]
fn repeated_and_overtaken_messages_do_not_undo_later_ones() {
    check_only(
        "raised cleared count",
        &["down: alertname=\"Down\" | each"],
        "0s firing Down host=a !at=0s
         10s resolved Down host=a !at=10s
         100s firing Down host=a !at=0s
         110s firing Down host=a !at=110s
         120s resolved Down host=a !at=10s
         130s resolved Down host=b !at=130s
         131s firing Down host=b !at=125s
         132s firing Down host=b !at=132s",
        "0s raised down{Down,host=a} indeterminate 1 alerts 1 events
         10s cleared down{Down,host=a}
         1m40s count duplicate native
         1m50s raised down{Down,host=a} indeterminate 1 alerts 1 events
         2m count duplicate native
         2m11s count duplicate native
         2m12s raised down{Down,host=b} indeterminate 1 alerts 1 events",
    );
}

#[test]
fn what_expired_and_is_said_again_fires_again() {
    check(
        "down: alertname=\"Down\" | each",
        "0s firing Down host=a !at=0s !expires=60s
         100s firing Down host=a !at=0s !expires=60s",
        "0s raised down{Down,host=a} indeterminate 1 alerts 1 events
         1m left down{Down,host=a} Down,host=a
         1m cleared down{Down,host=a}
         1m40s raised down{Down,host=a} indeterminate 1 alerts 1 events",
    );
}

#[test]
fn points_count_once_by_the_producers_id_and_their_times_are_bounded() {
    check_only(
        "raised count",
        &["trap: alertname=\"Trap\" | each | quiet=60s"],
        "0s point Trap device=sw1 !id=7
         1s point Trap device=sw1 !id=7
         2s point Trap device=sw2 !id=7 !source=other
         3s point Unknown device=sw2
         4s point Trap device=sw3 !at=3600s",
        "0s raised trap{Trap,device=sw1} indeterminate 0 alerts 1 events
         1s count duplicate trap
         2s raised trap{Trap,device=sw2} indeterminate 0 alerts 1 events
         3s count unmatched trap
         4s count clamped
         4s raised trap{Trap,device=sw3} indeterminate 0 alerts 1 events",
    );
}

#[test]
fn the_first_rule_owns_continue_links_and_words_match_normalised() {
    check(
        "bad: @severity=\"critical\" | each | continue
         when: alertname=\"Full\" | each | when=value>0.9
         gz: site=~\"GZ.*\",@source=\"native\" | each | by=site
         late: site=\"GZ01\" | each",
        "0s firing Down site=GZ01 !severity=critical
         1s firing Down site=SZ01 !severity=critical
         2s firing Full host=a !value=0.95
         3s firing Full host=b !value=0.5
         4s resolved Down site=GZ01",
        "0s raised bad{Down,site=GZ01} critical 1 alerts 1 events
         0s raised gz{site=GZ01} critical 1 alerts 1 events
         1s raised bad{Down,site=SZ01} critical 1 alerts 1 events
         1s raised catch-all{Down,source=native} critical 1 alerts 1 events
         2s raised when{Full,host=a} indeterminate 1 alerts 1 events
         3s raised catch-all{Full,source=native} indeterminate 1 alerts 1 events
         4s left gz{site=GZ01} Down,site=GZ01
         4s cleared gz{site=GZ01}
         4s left bad{Down,site=GZ01} Down,site=GZ01
         4s cleared bad{Down,site=GZ01}",
    );
}

#[test]
fn a_change_of_severity_changes_whose_it_is() {
    check(
        "bad: @severity=\"critical\" | each | by=host
         rest: host!=\"\" | each | by=host",
        "0s firing Down host=a !severity=minor
         1s firing Down host=a !severity=critical
         2s firing Down host=a !severity=minor",
        "0s raised rest{host=a} minor 1 alerts 1 events
         1s left rest{host=a} Down,host=a
         1s cleared rest{host=a}
         1s raised bad{host=a} critical 1 alerts 1 events
         2s left bad{host=a} Down,host=a
         2s cleared bad{host=a}
         2s raised rest{host=a} minor 1 alerts 1 events",
    );
}

#[test]
fn a_message_with_an_id_counts_once_whatever_its_status() {
    let batch = "firing Down host=a !id=1
         resolved Down host=a !id=2
         firing Down host=a !id=3
         firing Down host=a !id=4
         resolved Down host=a !id=5
         point Trap host=a !id=6";
    let once: String = batch.lines().map(|line| format!("0s {}\n", line.trim())).collect();
    let again = |seconds: u32| once.replace("0s ", &format!("{seconds}s "));
    let scenario = [once.clone(), again(1), again(2), again(3), again(3_599)].concat();
    let expected = "0s raised down{Down,host=a} indeterminate 1 alerts 1 events
         0s left down{Down,host=a} Down,host=a
         0s cleared down{Down,host=a}
         0s raised down{Down,host=a} indeterminate 1 alerts 1 events
         0s left down{Down,host=a} Down,host=a
         0s cleared down{Down,host=a}";
    check("down: alertname=\"Down\" | each", &scenario, expected);
    // A rule that counts every message counts a repeated one once, too.
    check(
        "down: alertname=\"Down\" | threshold 4 in 1h | messages",
        &[once.as_str(), &again(1), &again(2)].concat(),
        "",
    );
}

#[test]
fn a_repeated_firing_message_keeps_its_alert_alive() {
    check_only(
        ALERTS,
        &["down: alertname=\"Down\" | each"],
        "0s firing Down host=a !expires=60s !id=alert-7
         50s firing Down host=a !expires=60s !id=alert-7
         100s tick
         110s tick",
        "0s alert Down,host=a firing indeterminate of down
         50s count duplicate native
         50s count resent
         50s touched Down,host=a until 1m50s
         1m50s alert Down,host=a resolved indeterminate of down",
    );
}
