//! Lead and lag on events whose causes are known.

use super::*;
use crate::core::model::Timestamp;

/// Even numbers in [0, 1) from a seed.
struct Even(u64);

impl Even {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn onset(seconds: f64, kind: u32, place: u32) -> Onset {
    Onset { at: Timestamp::from_micros((seconds * 1e6) as i64), kind, place }
}

/// Kinds 0 to 4 by chance, 300 of each in ten days over four places; after seven of ten of kind 0 comes a kind 1 within
/// 40 s beside it, and after each kind 1 comes a kind 2.
fn chain(seed: u64, linked: bool) -> Vec<Onset> {
    let mut even = Even(seed);
    let mut onsets = Vec::new();
    for kind in [0, 3, 4] {
        for _ in 0..300 {
            onsets.push(onset(864_000.0 * even.next(), kind, (4.0 * even.next()) as u32));
        }
    }
    if !linked {
        onsets.extend((0..600).map(|n| onset(864_000.0 * even.next(), 1 + n % 2, (4.0 * even.next()) as u32)));
        return onsets;
    }
    for cause in onsets.clone().into_iter().filter(|cause| cause.kind == 0) {
        if even.next() < 0.7 {
            let at = cause.at.as_seconds_f64() + 1.0 + 39.0 * even.next();
            let place = (cause.place + 1) % 4;
            onsets.push(onset(at, 1, place));
            onsets.push(onset(at + 1.0 + 9.0 * even.next(), 2, place));
        }
    }
    onsets
}

fn ring() -> Vec<Vec<u32>> {
    (0..4).map(|place| vec![(place + 1) % 4, (place + 3) % 4]).collect()
}

#[test]
fn a_chain_is_found_link_by_link_without_its_short_cut() {
    let found = links(&chain(1, true), &ring(), None);
    let pairs: Vec<(u32, u32)> = found.iter().map(|link| (link.cause, link.effect)).collect();
    assert_eq!(pairs.len(), 2, "{found:#?}");
    assert!(pairs.contains(&(0, 1)) && pairs.contains(&(1, 2)), "{found:#?}");
    for link in &found {
        assert_eq!((link.within, link.of), (TimeDelta::from_seconds(60), found[0].of));
        assert!(link.hits * 10 >= link.of * 9 && link.lift() > 20.0 && link.z() > 50.0, "{link:?}");
    }
    assert_eq!(links(&chain(1, true), &ring(), Some(2)).iter().map(|link| link.cause).collect::<Vec<_>>(), [1]);
}

#[test]
fn chance_alone_makes_no_links() {
    let found: usize = (0..20).map(|seed| links(&chain(seed, false), &ring(), None).len()).sum();
    assert_eq!(found, 0, "a link in one of a hundred sets would be allowed");
}

#[test]
fn links_reach_only_as_far_as_places_are_neighbours() {
    assert_eq!(
        links(&chain(3, true), &[], None).iter().map(|link| (link.cause, link.effect)).collect::<Vec<_>>(),
        [(1, 2)]
    );
}

#[test]
fn few_episodes_suffice_when_something_rare_always_comes_first() {
    let mut onsets = Vec::new();
    for day in 0..6 {
        let at = f64::from(day) * 86_400.0 * 3.0 + 500.0;
        onsets.push(onset(at, 0, 0));
        onsets.push(onset(at - 30.0, 1, 0));
        onsets.extend((0..20).map(|n| onset(at + 4_000.0 * f64::from(n) - 40_000.0, 2, 0)));
    }
    let found = links(&onsets, &[], Some(0));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].cause, found[0].hits, found[0].of), (1, 6, 6));
    assert!(links(&onsets[..23], &[], Some(0)).is_empty(), "one episode says nothing");
}

#[test]
fn nothing_gives_nothing_and_the_least_gain_grows_with_the_number_of_tries() {
    assert!(links(&[], &[], None).is_empty());
    assert!(links(&[onset(1.0, 0, 0)], &[], Some(0)).is_empty());
    assert!((least_gain(0.01 / 306.0) - 8.66).abs() < 0.05);
    assert!(least_gain(0.01) < least_gain(0.001));
}
