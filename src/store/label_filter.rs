//! A bit filter that proves for most label sets that a wanted pair is not among them.

use crate::core::model::{Labels, fnv1a_pair};

/// Bits set for each pair.
const BITS_A_PAIR: u32 = 3;

/// The bits of a set's pairs. A set with a pair has all of that pair's bits; a set without it rarely does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelBloom(u64);

impl LabelBloom {
    pub(super) fn of_pair(name: &str, value: &str) -> LabelBloom {
        let mut hash = fnv1a_pair(name, value);
        let mut bits = 0;
        for _ in 0..BITS_A_PAIR {
            // The upper bits of FNV-1a are the well-mixed ones.
            bits |= 1 << (hash >> 58);
            hash = hash.rotate_left(11);
        }
        LabelBloom(bits)
    }

    pub(super) fn of(labels: &Labels) -> LabelBloom {
        labels.iter().fold(LabelBloom::default(), |bits, (name, value)| bits.with(LabelBloom::of_pair(name, value)))
    }

    pub(super) fn with(self, other: LabelBloom) -> LabelBloom {
        LabelBloom(self.0 | other.0)
    }

    /// True if a set with these bits may contain the wanted pairs.
    pub(super) fn may_hold(self, wanted: LabelBloom) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_pair_is_never_missed_and_another_seldom_looks_held() {
        let wanted = LabelBloom::of_pair("instance", "主机-7");
        let mut taken_for_it = 0;
        for n in 0..10_000 {
            let instance = format!("主机-{n}");
            let pairs = [("alertname", "LinkDown"), ("instance", &instance), ("job", "node"), ("site", "GZ01")];
            let bits = LabelBloom::of(&Labels::from_pairs(pairs));
            assert!(bits.may_hold(LabelBloom::of_pair("instance", &instance)));
            assert!(bits.may_hold(LabelBloom::default()));
            taken_for_it += usize::from(bits.may_hold(wanted));
        }
        assert!((1..500).contains(&taken_for_it), "{taken_for_it}");
    }
}
