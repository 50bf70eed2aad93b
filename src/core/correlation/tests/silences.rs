//! Silence commands: Alertmanager's answers and refusals.

use super::{check, check_only};

const SAID: &str = "answer refused silence unsilence";

#[test]
fn what_is_wrong_is_told_in_alertmanagers_words_and_order() {
    check(
        "",
        "100s silence S1 a=\"x\" 50s..50s
         100s silence S1 a=\"x\" 20s..10s
         100s silence S1 a=\"x\" 10s..99s
         100s silence S1 {} 10s..200s
         100s silence S1 a=\"\",b=~\".*\" 10s..200s
         100s silence S8>S1 a=\"x\" 10s..200s
         100s silence S8>S1 a=\"x\" 10s..99s
         100s silence S1 a!=\"x\" 10s..200s
         100s expire S8",
        "1m40s refused 400 Failed to create silence: start time must be before end time
         1m40s refused 400 Failed to create silence: start time must be before end time
         1m40s refused 400 Failed to create silence: end time can't be in the past
         1m40s refused 400 invalid silence: at least one matcher required
         1m40s refused 400 invalid silence: at least one matcher must not match the empty string
         1m40s refused 404 silence not found
         1m40s refused 400 Failed to create silence: end time can't be in the past
         1m40s answer S1
         1m40s refused 404 silence not found",
    );
}

#[test]
fn an_update_keeps_the_id_only_where_it_rewrites_nothing() {
    check_only(
        SAID,
        &[""],
        "100s silence S1 a=\"x\" 10s..200s
         110s silence S1>S2 a=\"x\" 100s..300s
         120s silence S1>S3 a=\"x\" 101s..300s
         130s silence S3>S4 a=\"y\" 120s..300s
         140s silence S5 a=\"z\" 500s..600s
         150s silence S5>S6 a=\"z\" 400s..600s
         160s silence S5>S7 a=\"z\" 10s..600s
         170s silence S1>S8 a=\"x\" 100s..300s",
        "1m40s silence S1 1m40s..3m20s
         1m40s answer S1
         1m50s silence S1 1m40s..5m
         1m50s answer S1
         2m silence S1 1m40s..2m
         2m silence S3 2m..5m
         2m answer S3
         2m10s silence S3 2m..2m10s
         2m10s silence S4 2m10s..5m
         2m10s answer S4
         2m20s silence S5 8m20s..10m
         2m20s answer S5
         2m30s silence S5 6m40s..10m
         2m30s answer S5
         2m40s silence S5 2m40s..2m40s
         2m40s silence S7 2m40s..10m
         2m40s answer S7
         2m50s silence S8 2m50s..5m
         2m50s answer S8",
    );
}

#[test]
fn expiring_ends_it_now_and_may_be_repeated_and_the_listing_ends_after_its_retention() {
    check_only(
        SAID,
        &[""],
        "0s silence S1 a=\"x\" 0s..1000s
         0s silence S2 a=\"x\" 500s..1000s
         100s expire S1
         110s expire S1
         120s expire S2
         432099s tick
         432100s tick
         432200s expire S1
         432200s tick",
        "0s silence S1 0s..16m40s
         0s answer S1
         0s silence S2 8m20s..16m40s
         0s answer S2
         1m40s silence S1 0s..1m40s
         1m40s answer S1
         1m50s answer S1
         2m silence S2 2m..2m
         2m answer S2
         5d1m40s unsilence S1
         5d2m unsilence S2
         5d3m20s refused 404 silence not found",
    );
}

#[test]
fn pending_silences_begin_by_themselves_and_one_that_follows_another_leaves_no_gap() {
    check_only(
        "raised held released alert",
        &["down: alertname=\"Down\" | each"],
        "0s firing Down site=广州
         10s silence S1 site=\"广州\" 60s..120s
         20s silence S2 site=~\"广.*\" 120s..180s
         60s tick
         120s tick
         180s tick",
        "0s raised down{Down,site=广州} indeterminate 1 alerts 1 events
         0s alert Down,site=广州 firing indeterminate of down
         1m held down{Down,site=广州} by silence S1
         1m alert Down,site=广州 firing indeterminate of down by S1
         2m alert Down,site=广州 firing indeterminate of down by S2
         3m released down{Down,site=广州}
         3m alert Down,site=广州 firing indeterminate of down",
    );
}

#[test]
fn an_alert_shows_every_silence_and_new_ones_are_silenced_from_the_start() {
    check_only(
        "alert raised",
        &["down: alertname=\"Down\" | each"],
        "0s silence S1 host=\"a\" 0s..100s
         0s silence S2 alertname=\"Down\" 0s..200s
         10s firing Down host=a
         100s tick
         150s expire S2",
        "10s alert Down,host=a firing indeterminate of down (rule down, waits for the end of silence S1) by S1+S2
         1m40s alert Down,host=a firing indeterminate of down (rule down, waits for the end of silence S2) by S2
         2m30s raised down{Down,host=a} indeterminate 1 alerts 1 events
         2m30s alert Down,host=a firing indeterminate of down",
    );
}

#[test]
fn a_changed_silence_is_applied_as_one_step() {
    // From one matcher to another that also fits: the alert is never free in between.
    check(
        "down: alertname=\"Down\" | each",
        "0s firing Down host=a
         10s silence S1 host=\"a\" 10s..100s
         20s silence S1>S2 alertname=\"Down\" 20s..100s
         30s silence S2>S3 host=\"b\" 30s..100s",
        "0s raised down{Down,host=a} indeterminate 1 alerts 1 events
         10s held down{Down,host=a} by silence S1
         10s answer S1
         20s answer S2
         30s released down{Down,host=a}
         30s answer S3",
    );
}
