//! Shared contexts, derived events, and their limits.

use super::{check, check_only};

#[test]
fn a_context_lives_to_its_end_and_its_guard_with_it() {
    let rules = |semantics: &str| {
        format!(
            "begin: alertname=\"Begin\",@status=\"point\" | yaml | {semantics}incident: false, contexts: [{{set: 'MAINT_{{site}}', for: 10s}}]
             end: alertname=\"End\",@status=\"point\" | yaml | incident: false, contexts: [{{unset: 'MAINT_{{site}}'}}]
             down: alertname=\"Down\",@status=\"point\" | yaml | by: [site, n], clear_after: 1s, context: '!MAINT_{{site}}'"
        )
    };
    let scenario = "0s point Begin site=广州
                    5s point Down site=广州 n=1
                    6s point Down site=深圳 n=2
                    10s point Down site=广州 n=3
                    11s point Down site=广州 n=4
                    20s point Begin site=广州
                    22s point End site=广州
                    23s point Down site=广州 n=5";
    let raised = |numbers: &[&str]| numbers.join("\n");
    let own = raised(&[
        "6s raised down{n=2,site=深圳} indeterminate 0 alerts 1 events",
        "10s raised down{n=3,site=广州} indeterminate 0 alerts 1 events",
        "11s raised down{n=4,site=广州} indeterminate 0 alerts 1 events",
        "23s raised down{n=5,site=广州} indeterminate 0 alerts 1 events",
    ]);
    check_only("raised", &[&rules("")], scenario, &own);
    // SEC: created at 0 with 10, it is true at 10 and over at 11.
    let sec = raised(&[
        "6s raised down{n=2,site=深圳} indeterminate 0 alerts 1 events",
        "11s raised down{n=4,site=广州} indeterminate 0 alerts 1 events",
        "23s raised down{n=5,site=广州} indeterminate 0 alerts 1 events",
    ]);
    check_only("raised", &[&rules("semantics: sec, ")], scenario, &sec);
}

#[test]
fn a_sign_of_life_that_stops_is_told_when_its_context_is_over() {
    let rules = |semantics: &str| {
        format!(
            "beat: alertname=\"Beat\",@status=\"point\" | yaml | {semantics}incident: false, contexts: [{{set: 'HB_{{host}}', for: 10s, on_expiry: {{event: {{labels: {{alertname: Lost, host: '{{host}}'}}, severity: critical, summary: '{{host}} 失联'}}}}}}]
             lost: alertname=\"Lost\",@source=\"derived\" | yaml | by: [host], clear_after: 1m"
        )
    };
    let scenario = "0s point Beat host=甲\n5s point Beat host=甲\n9s point Beat host=甲\n70s tick";
    check_only("raised", &[&rules("")], scenario, "19s raised lost{host=甲} critical 0 alerts 1 events");
    check_only(
        "raised",
        &[&rules("semantics: sec, ")],
        scenario,
        "20s raised lost{host=甲} critical 0 alerts 1 events",
    );
    // A downtime of this service is no silence of the producers.
    check_only(
        "raised",
        &[&rules("")],
        "0s point Beat host=甲\n60s resumed 55s\n360s tick",
        "6m raised lost{host=甲} critical 0 alerts 1 events",
    );
}

#[test]
fn a_derived_alert_fires_and_resolves_with_its_condition() {
    check(
        "t: alertname=\"Down\" | {threshold: {count: 2, within: 1m}} | by: [site], justification: 只看两次, incident: false, emit: {labels: {alertname: SiteDown, site: '{site}', last: '{host}'}, severity: critical, summary: '{site} {count}'}
         s: alertname=\"SiteDown\" | yaml | by: [site]",
        "0s firing Down site=广州 host=a
         1s firing Down site=广州 host=b
         100s resolved Down site=广州 host=a
         101s resolved Down site=广州 host=b",
        "1s raised s{site=广州} critical 1 alerts 1 events
         1m41s left s{site=广州} SiteDown,last=b,site=广州
         1m41s cleared s{site=广州}",
    );
}

#[test]
fn events_that_derive_one_another_come_to_an_end() {
    check_only(
        "count",
        &[
            "loop: alertname=~\"A|X\",@status=\"point\" | yaml | incident: false, emit: {labels: {alertname: X}, status: point}",
        ],
        "0s point A\n10s tick",
        "0s count bound Derived",
    );
}

/// Derived events are handled before further input, in the order of their creation.
#[test]
fn derived_events_are_taken_first_in_first_out() {
    check_only(
        "raised",
        &["a: alertname=\"A\",@status=\"point\" | yaml | clear_after: 1s, continue: true, emit: {labels: {alertname: X}, status: point}
           b: alertname=\"A\",@status=\"point\" | yaml | clear_after: 1s, emit: {labels: {alertname: Y}, status: point}
           x: alertname=\"X\",@status=\"point\" | yaml | clear_after: 1s, emit: {labels: {alertname: Z}, status: point}
           rest: alertname=~\"Y|Z\",@status=\"point\" | yaml | clear_after: 1s"],
        "0s point A\n10s tick",
        "0s raised a{A} indeterminate 0 alerts 1 events
         0s raised b{A} indeterminate 0 alerts 1 events
         0s raised x{X} indeterminate 0 alerts 1 events
         0s raised rest{Y} indeterminate 0 alerts 1 events
         0s raised rest{Z} indeterminate 0 alerts 1 events",
    );
}

/// A suppressed condition stays suppressed when its pattern fires once more by suppressed events.
#[test]
fn a_silenced_condition_of_points_is_not_raised_again_by_silenced_points() {
    check(
        "t: alertname=\"E\" | {suppress: {within: 5s}} | by: [x]
         u: alertname=\"P\" | {missing_followup: {until: 'alertname=\"Q\"', within: 5s}} | by: [x]",
        "0s point P
         6s tick
         10s silence S1 alertname=~\"E|P\" 10s..60s
         12s point P
         20s point E
         100s tick",
        "5s raised u{} indeterminate 0 alerts 1 events
         10s held u{} by silence S1
         10s answer S1
         1m released u{}",
    );
}
