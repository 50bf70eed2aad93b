//! Hints and likeness against the labelled sets of the shared folder, where that is there; the rules for labelled alerts.

use std::process::Command;

#[path = "../../benches/faults/mod.rs"]
mod faults;

#[test]
fn the_rules_for_labelled_security_alerts_pass_their_own_tests() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ait-ads.yaml");
    let done = Command::new(env!("CARGO_BIN_EXE_watchfire")).args(["test", rules]).output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told}{}", String::from_utf8_lossy(&done.stderr));
    assert!(told.contains("2 tests, 0 failed"), "{told}");
}

#[test]
fn hints_meet_both_sets_with_one_configuration() {
    let sets = faults::hints(&faults::folder());
    if sets.is_empty() {
        println!("ABSENT: {}; no hint was compared", faults::folder().display());
        return;
    }
    for set in sets {
        let faults::Hinted { set: name, alarms, links, true_links, both, within } = &set;
        println!(
            "{name}: {alarms} alarms, {links} links, {both} of {true_links} true ones, F1 {:.3}, {within} s",
            set.f1()
        );
        // Published best: .577; a miner set up for the other set reaches .44 and for the set itself .93.
        let least = if *name == "telecom-18V" { 0.577 } else { 0.93 };
        assert!(set.f1() >= least, "{name}: {:.3}", set.f1());
    }
}

#[test]
fn the_most_alike_earlier_run_has_the_same_failure_mode() {
    let found = faults::likeness(&faults::folder(), 0..2);
    if found.is_empty() {
        println!("ABSENT: {}; no likeness was compared", faults::folder().display());
        return;
    }
    println!("2 orders of 561 runs: {found:?}");
    assert!(found.iter().all(|accuracy| *accuracy >= 0.92), "{found:?}");
}
