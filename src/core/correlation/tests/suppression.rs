//! Suppression: silences and inhibitions, waiting for their end, and that a clear always gets through.

use super::{check, check_only};

#[test]
fn a_silenced_alert_waits_and_is_raised_when_the_silence_ends() {
    check_only(
        "raised held released cleared left alert count",
        &["down: alertname=\"Down\" | each"],
        "0s silence S1 site=\"GZ\" 0s..60s
         10s firing Down site=GZ
         20s firing Down site=SZ
         30s resolved Down site=SZ
         60s tick
         70s resolved Down site=GZ",
        "10s count suppressed Silence
         10s alert Down,site=GZ firing indeterminate of down (rule down, waits for the end of silence S1) by S1
         20s raised down{Down,site=SZ} indeterminate 1 alerts 1 events
         20s alert Down,site=SZ firing indeterminate of down
         30s left down{Down,site=SZ} Down,site=SZ
         30s cleared down{Down,site=SZ}
         30s alert Down,site=SZ resolved indeterminate of down
         1m raised down{Down,site=GZ} indeterminate 1 alerts 1 events
         1m alert Down,site=GZ firing indeterminate of down
         1m10s left down{Down,site=GZ} Down,site=GZ
         1m10s cleared down{Down,site=GZ}
         1m10s alert Down,site=GZ resolved indeterminate of down",
    );
}

#[test]
fn what_ends_while_it_is_silenced_was_never_raised() {
    check(
        "down: alertname=\"Down\" | each",
        "0s silence S1 site=\"GZ\" 0s..60s
         10s firing Down site=GZ
         20s resolved Down site=GZ
         70s tick",
        "0s answer S1",
    );
}

#[test]
fn an_open_condition_is_held_while_all_its_firing_alerts_are() {
    check(
        "site: site!=\"\" | each | by=site",
        "0s firing Down site=GZ host=a
         1s firing Down site=GZ host=b
         2s silence S1 host=\"a\" 2s..100s
         3s silence S2 host=\"b\" 3s..50s
         4s firing Slow site=GZ host=a
         50s tick
         60s silence S3 host=\"b\" 60s..90s
         70s resolved Down site=GZ host=a
         80s resolved Down site=GZ host=b
         81s resolved Slow site=GZ host=a",
        "0s raised site{site=GZ} indeterminate 1 alerts 1 events
         1s joined site{site=GZ} Down,host=b,site=GZ indeterminate
         2s answer S1
         3s held site{site=GZ} by silence S2
         3s answer S2
         4s joined site{site=GZ} Slow,host=a,site=GZ indeterminate
         50s released site{site=GZ}
         1m held site{site=GZ} by silence S3
         1m answer S3
         1m10s left site{site=GZ} Down,host=a,site=GZ
         1m20s left site{site=GZ} Down,host=b,site=GZ
         1m21s left site{site=GZ} Slow,host=a,site=GZ
         1m21s cleared site{site=GZ}",
    );
}

#[test]
fn a_threshold_of_suppressed_alerts_waits_and_holds_on_while_they_fire() {
    check(
        "t: alertname=\"Down\" | threshold 2 in 60s",
        "0s silence S1 site=\"GZ\" 0s..500s
         10s firing Down site=GZ host=a
         20s firing Down site=GZ host=b
         400s tick
         500s tick
         510s resolved Down site=GZ host=a
         511s resolved Down site=GZ host=b",
        "0s answer S1
         8m20s raised t{} indeterminate 2 alerts 2 events
         8m30s left t{} Down,host=a,site=GZ
         8m31s left t{} Down,host=b,site=GZ
         8m31s cleared t{}",
    );
}

#[test]
fn suppressed_events_count_and_one_free_event_raises() {
    check(
        "t: alertname=\"E\" | threshold 3 in 60s",
        "0s silence S1 host=\"a\" 0s..500s
         10s point E host=a
         11s point E host=a
         12s point E host=a
         20s point E host=b
         200s tick",
        "0s answer S1
         20s raised t{} indeterminate 0 alerts 3 events
         1m20s cleared t{}",
    );
}

#[test]
fn points_that_wait_are_raised_when_their_silence_ends_in_time() {
    check(
        "trap: alertname=\"Trap\" | each | by=host quiet=60s",
        "0s silence S1 host=\"a\" 0s..30s
         10s point Trap host=a
         31s silence S2 host=\"b\" 31s..200s
         40s point Trap host=b
         45s silence S3 host=\"a\" 45s..50s
         300s tick",
        "0s answer S1
         30s raised trap{host=a} indeterminate 0 alerts 1 events
         31s answer S2
         45s held trap{host=a} by silence S3
         45s answer S3
         50s released trap{host=a}
         1m10s cleared trap{host=a}",
    );
}

#[test]
fn a_missing_heartbeat_of_what_is_silenced_now_waits() {
    check(
        "beat: alertname=\"Beat\" | absence 60s | by=host",
        "0s point Beat host=a
         30s silence S1 host=\"a\" 30s..200s
         300s tick",
        "30s answer S1
         3m20s raised beat{host=a} indeterminate 0 alerts 1 events",
    );
}

const PLACES: &str = "inhibit: severity=\"critical\" -> severity=\"minor\" | site
    inhibit: alertname=~\"Power.*\" -> alertname=~\".*\",alertname!=\"PowerFail\" | site,room
    down: alertname=~\".*\" | each";

#[test]
fn a_source_holds_back_targets_with_equal_values_until_it_ends() {
    check_only(
        "raised held released cleared",
        &[PLACES],
        "0s firing Slow site=GZ severity=minor
         1s firing Slow site=SZ severity=minor
         2s firing Down site=GZ severity=critical
         3s firing Full site=GZ severity=minor
         4s resolved Down site=GZ severity=critical
         5s resolved Slow site=GZ severity=minor",
        "0s raised down{Slow,severity=minor,site=GZ} minor 1 alerts 1 events
         1s raised down{Slow,severity=minor,site=SZ} minor 1 alerts 1 events
         2s raised down{Down,severity=critical,site=GZ} critical 1 alerts 1 events
         2s held down{Slow,severity=minor,site=GZ} by inhibition by alert Down,severity=critical,site=GZ
         4s raised down{Full,severity=minor,site=GZ} minor 1 alerts 1 events
         4s released down{Slow,severity=minor,site=GZ}
         4s cleared down{Down,severity=critical,site=GZ}
         5s cleared down{Slow,severity=minor,site=GZ}",
    );
}

#[test]
fn missing_equals_empty_and_a_silenced_source_still_holds_back() {
    check_only(
        "raised alert",
        &[PLACES],
        "0s silence S1 severity=\"critical\" 0s..100s
         1s firing Down severity=critical
         2s firing Slow severity=minor
         3s firing Slow severity=minor site=GZ
         100s tick",
        "1s alert Down,severity=critical firing critical of down (rule down, waits for the end of silence S1) by S1
         2s alert Slow,severity=minor firing minor of down (rule down, waits for the end of inhibition by alert Down,severity=critical) by Down,severity=critical
         3s raised down{Slow,severity=minor,site=GZ} minor 1 alerts 1 events
         3s alert Slow,severity=minor,site=GZ firing minor of down
         1m40s raised down{Down,severity=critical} critical 1 alerts 1 events
         1m40s alert Down,severity=critical firing critical of down",
    );
}

#[test]
fn what_is_source_and_target_is_held_back_by_sources_alone() {
    // PowerLow and PowerDip are on both sides: they suppress Door, but not each other; PowerFail is a source alone.
    check_only(
        "raised held released alert",
        &[PLACES],
        "0s firing PowerLow site=GZ room=1
         1s firing PowerDip site=GZ room=1
         2s firing Door site=GZ room=1
         3s firing Door site=GZ room=2
         4s firing PowerFail site=GZ room=1",
        "0s raised down{PowerLow,room=1,site=GZ} indeterminate 1 alerts 1 events
         0s alert PowerLow,room=1,site=GZ firing indeterminate of down
         1s raised down{PowerDip,room=1,site=GZ} indeterminate 1 alerts 1 events
         1s alert PowerDip,room=1,site=GZ firing indeterminate of down
         2s alert Door,room=1,site=GZ firing indeterminate of down (rule down, waits for the end of inhibition by alert PowerLow,room=1,site=GZ) by PowerLow,room=1,site=GZ
         3s raised down{Door,room=2,site=GZ} indeterminate 1 alerts 1 events
         3s alert Door,room=2,site=GZ firing indeterminate of down
         4s raised down{PowerFail,room=1,site=GZ} indeterminate 1 alerts 1 events
         4s held down{PowerLow,room=1,site=GZ} by inhibition by alert PowerFail,room=1,site=GZ
         4s held down{PowerDip,room=1,site=GZ} by inhibition by alert PowerFail,room=1,site=GZ
         4s alert PowerLow,room=1,site=GZ firing indeterminate of down by PowerFail,room=1,site=GZ
         4s alert PowerDip,room=1,site=GZ firing indeterminate of down by PowerFail,room=1,site=GZ
         4s alert PowerFail,room=1,site=GZ firing indeterminate of down",
    );
}

#[test]
fn a_point_under_an_inhibition_waits_for_its_source_to_end() {
    check(
        "inhibit: alertname=\"Power\" -> alertname=\"Trap\" | site
         trap: alertname=\"Trap\" | each | quiet=60s
         all: alertname!=\"\" | each",
        "0s firing Power site=GZ
         10s point Trap site=GZ
         20s resolved Power site=GZ
         100s tick",
        "0s raised all{Power,site=GZ} indeterminate 1 alerts 1 events
         20s raised trap{Trap,site=GZ} indeterminate 0 alerts 1 events
         20s left all{Power,site=GZ} Power,site=GZ
         20s cleared all{Power,site=GZ}
         1m10s cleared trap{Trap,site=GZ}",
    );
}

#[test]
fn a_source_that_expires_lets_go() {
    check_only(
        "raised cleared",
        &["inhibit: alertname=\"Power\" -> alertname=\"Down\" | site
           all: alertname!=\"\" | each"],
        "0s v2 Power site=GZ !starts=0s !ends=60s
         1s firing Down site=GZ
         60s tick",
        "0s raised all{Power,site=GZ} indeterminate 1 alerts 1 events
         1m raised all{Down,site=GZ} indeterminate 1 alerts 1 events
         1m cleared all{Power,site=GZ}",
    );
}

#[test]
fn a_change_of_severity_may_begin_and_end_an_inhibition() {
    check_only(
        "raised held released",
        &["inhibit: @severity=\"critical\" -> @severity=\"minor\" | site
           all: alertname!=\"\" | each"],
        "0s firing Down site=GZ !severity=major
         1s firing Slow site=GZ !severity=minor
         2s firing Down site=GZ !severity=critical
         3s firing Slow site=GZ !severity=major
         4s firing Slow site=GZ !severity=minor
         5s firing Down site=GZ !severity=major",
        "0s raised all{Down,site=GZ} major 1 alerts 1 events
         1s raised all{Slow,site=GZ} minor 1 alerts 1 events
         2s held all{Slow,site=GZ} by inhibition by alert Down,site=GZ
         3s released all{Slow,site=GZ}
         4s held all{Slow,site=GZ} by inhibition by alert Down,site=GZ
         5s released all{Slow,site=GZ}",
    );
}
