//! Seeded random numbers: the same draws on every machine, so only the four operations of arithmetic and no logarithms.

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, equidistributed, good enough to simulate with.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// An independent generator, so that one part's number of draws does not affect another part's.
    pub fn split(&mut self) -> Rng {
        Rng::new(self.word())
    }

    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In [0, 1), with 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// In 0..count; `count` is at least 1.
    pub fn below(&mut self, count: usize) -> usize {
        // The product's upper half is uniform but for a bias below 2^-50 at the counts used here.
        ((u128::from(self.word()) * count.max(1) as u128) >> 64) as usize
    }

    pub fn happens(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }

    /// An index, each as likely as its weight; the last one if all weights are zero. `weights` is not empty.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        weights.len() - 1
    }

    /// Exponential with that mean: von Neumann's method, which compares uniform draws and needs no logarithm.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        let mut whole = 0.0;
        loop {
            let first = self.unit();
            let mut last = first;
            let mut run = 1;
            loop {
                let next = self.unit();
                if next >= last {
                    break;
                }
                last = next;
                run += 1;
            }
            if run % 2 == 1 {
                return mean * (whole + first);
            }
            whole += 1.0;
        }
    }

    /// Close to normal around zero: the sum of twelve uniform draws, so never beyond six deviations.
    pub fn normal(&mut self, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        deviation * (sum - 6.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_published_generator() {
        let mut chance = Rng::new(1_234_567);
        let words: Vec<u64> = (0..3).map(|_| chance.word()).collect();
        assert_eq!(words, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_have_the_means_that_they_say() {
        let mut chance = Rng::new(7);
        let draws = 100_000;
        let mut mean = |draw: &mut dyn FnMut(&mut Rng) -> f64| {
            (0..draws).map(|_| draw(&mut chance)).sum::<f64>() / f64::from(draws)
        };
        assert!((mean(&mut |chance| chance.exponential(20.0)) - 20.0).abs() < 0.3);
        assert!(mean(&mut |chance| chance.normal(2.0)).abs() < 0.03);
        assert!((mean(&mut |chance| chance.normal(2.0) * chance.normal(2.0)).abs()) < 0.06);
        assert!((mean(&mut |chance| chance.below(10) as f64) - 4.5).abs() < 0.05);
        assert!((mean(&mut |chance| chance.weighted(&[1.0, 0.0, 3.0]) as f64) - 1.5).abs() < 0.02);
        // The tail of the exponential, too: beyond three means lies e^-3 of it.
        let beyond = mean(&mut |chance| f64::from(chance.exponential(1.0) > 3.0));
        assert!((beyond - 0.049_787).abs() < 0.003, "{beyond}");
    }
}
