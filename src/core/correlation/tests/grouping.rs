//! Grouping of conditions into one incident: by time, by dependency, and the cases that stay apart.

use super::check_only;

/// A core, two switches below it, hosts below them, and a service.
const ESTATE: &str = "item: 核心1
    item: sw1 < 核心1
    item: sw2 < 核心1
    item: h1 < sw1
    item: h2 < sw1
    item: h3 < sw2
    item: h4 < sw2
    item: app1 < h1
    down: host!=\"\" | each";

/// Expected raised conditions and joins, for critical alerts unless the scenario sets another severity.
#[track_caller]
fn check(more_rules: &str, scenario: &str, expected: &str) {
    let rules = format!("{more_rules}\n{ESTATE}");
    let all_critical = |line: &str| {
        let is_plain = line.contains(" firing ") && !line.contains("!severity");
        if is_plain { format!("{line} !severity=critical") } else { line.to_owned() }
    };
    let scenario: Vec<String> = scenario.lines().map(all_critical).collect();
    check_only("raised grouped held released cleared", &[&rules], &scenario.join("\n"), expected);
}

#[test]
fn what_depends_on_a_failed_item_joins_it_and_a_cause_joins_what_it_explains() {
    check(
        "",
        "0s firing Down host=h1
         5s firing Down host=app1
         8s firing Down host=h3
         15s firing Down host=sw1
         40s tick",
        "0s raised down{Down,host=h1} critical 1 alerts 1 events
         5s raised down{Down,host=app1} critical 1 alerts 1 events with down{Down,host=h1}: app1 depends on h1, 5s apart
         8s raised down{Down,host=h3} critical 1 alerts 1 events
         15s raised down{Down,host=sw1} critical 1 alerts 1 events with down{Down,host=app1}: h1 depends on sw1, 15s apart",
    );
}

#[test]
fn a_silent_item_in_between_is_passed_and_a_silent_root_is_guessed_from_what_depends_on_it() {
    check(
        "",
        "0s firing Down host=sw1
         4s firing Down host=app1",
        "0s raised down{Down,host=sw1} critical 1 alerts 1 events
         4s raised down{Down,host=app1} critical 1 alerts 1 events with down{Down,host=sw1}: app1 depends on sw1 over 2 hops, 4s apart",
    );
    check(
        "",
        "0s firing Down host=h1
         4s firing Down host=h2",
        "0s raised down{Down,host=h1} critical 1 alerts 1 events
         4s raised down{Down,host=h2} critical 1 alerts 1 events with down{Down,host=h1}: most of what depends on sw1 has failed, h1 too",
    );
}

#[test]
fn warnings_outages_and_failures_far_apart_stay_apart() {
    check(
        "",
        "0s firing Warm host=sw1 !severity=warning
         1s firing Down host=h1
         2s firing Hot host=h1 !severity=warning
         200s firing Lossy host=h1 !severity=minor
         300s tick",
        "0s raised down{Warm,host=sw1} warning 1 alerts 1 events
         1s raised down{Down,host=h1} critical 1 alerts 1 events
         2s raised down{Hot,host=h1} warning 1 alerts 1 events with down{Warm,host=sw1}: h1 depends on sw1, 2s apart
         3m20s raised down{Lossy,host=h1} minor 1 alerts 1 events",
    );
}

#[test]
fn two_failures_that_share_a_victim_stay_two() {
    check(
        "item: db1 < h1,h3",
        "0s firing Down host=h1
         1s firing Down host=h3
         3s firing Down host=db1",
        "0s raised down{Down,host=h1} critical 1 alerts 1 events
         1s raised down{Down,host=h3} critical 1 alerts 1 events
         3s raised down{Down,host=db1} critical 1 alerts 1 events with down{Down,host=h3}: db1 depends on h3, 2s apart",
    );
}

#[test]
fn what_begins_late_is_a_part_of_what_it_ends_with() {
    let late = |end: &str| {
        format!(
            "0s firing Down host=sw1
             200s firing Down host=h1
             400s resolved Down host=sw1
             {end} Down host=h1
             800s tick"
        )
    };
    let apart = "0s raised down{Down,host=sw1} critical 1 alerts 1 events
         3m20s raised down{Down,host=h1} critical 1 alerts 1 events
         6m40s cleared down{Down,host=sw1}";
    let together = format!(
        "{apart}
         7m cleared down{{Down,host=h1}}
         7m40s grouped down{{Down,host=sw1}} with down{{Down,host=h1}}: sw1 and h1 failed 3m20s apart and were well again within 20s"
    );
    check("", &late("420s resolved"), &together);
    check("", &late("500s resolved"), &format!("{apart}\n8m20s cleared down{{Down,host=h1}}"));
    // The alert began again: its group is unknown.
    let again = late("420s resolved").replace("800s tick", "430s firing Down host=h1\n800s tick");
    let anew = "7m cleared down{Down,host=h1}\n7m10s raised down{Down,host=h1} critical 1 alerts 1 events";
    check("", &again, &format!("{apart}\n{anew}"));
}

#[test]
fn what_runs_out_ends_with_nothing_and_what_is_far_away_was_something_else() {
    check(
        "",
        "0s firing Down host=sw1 !expires=6m
         200s firing Down host=h1 !expires=3m
         800s tick",
        "0s raised down{Down,host=sw1} critical 1 alerts 1 events
         3m20s raised down{Down,host=h1} critical 1 alerts 1 events
         6m cleared down{Down,host=sw1}
         6m20s cleared down{Down,host=h1}",
    );
    check(
        "item: elsewhere < app1",
        "0s firing Down host=sw2
         200s firing Down host=elsewhere
         400s resolved Down host=sw2
         400s resolved Down host=elsewhere
         800s tick",
        "0s raised down{Down,host=sw2} critical 1 alerts 1 events
         3m20s raised down{Down,host=elsewhere} critical 1 alerts 1 events
         6m40s cleared down{Down,host=sw2}
         6m40s cleared down{Down,host=elsewhere}",
    );
}

#[test]
fn what_is_held_back_is_shown_in_the_incident_of_what_explains_it() {
    check(
        "inhibit: alertname=\"Power\" -> alertname=\"Down\"",
        "0s firing Power host=sw1
         3s firing Down host=h1
         9s resolved Power host=sw1
         12s resolved Down host=h1",
        "0s raised down{Power,host=sw1} critical 1 alerts 1 events
         3s raised down{Down,host=h1} critical 1 alerts 1 events with down{Power,host=sw1} held by inhibition by alert Power,host=sw1
         9s released down{Down,host=h1}
         9s cleared down{Power,host=sw1}
         12s cleared down{Down,host=h1}",
    );
}
