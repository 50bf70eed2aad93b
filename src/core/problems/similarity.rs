//! Similarity: an index of the terms of incidents, to find similar ones.
//!
//! Terms describe an incident (rule, check, item, class, parent, service, template), each with its count. Rare terms
//! weigh more: a count c of a term that d of n incidents have weighs ln(1+c) · ln((1+n)/(1+d)). The similarity of two
//! incidents is the cosine of their weights. Only incidents that share a rare term are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::model::{Fingerprint, IncidentId, Labels, ShardedMap};

/// Minimum similarity of the same fault.
pub const SAME: f64 = 0.7;
/// Minimum similarity worth a look.
pub const SUGGESTED: f64 = 0.5;

/// The terms of one incident, each with its count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TermVector {
    /// By the hash of the term.
    counts: BTreeMap<Fingerprint, u32>,
}

impl TermVector {
    /// Maximum number of distinct terms; later ones are dropped.
    pub const MAX: usize = 128;

    /// Counts a term: its kind and its word. An empty word is ignored.
    pub fn add(&mut self, kind: &str, word: &str, count: u32) {
        if word.is_empty() || count == 0 {
            return;
        }
        let hash = Labels::from_pairs([(kind, word)]).fingerprint();
        if self.counts.len() < TermVector::MAX || self.counts.contains_key(&hash) {
            let known = self.counts.entry(hash).or_default();
            *known = known.saturating_add(count);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Adds these terms; returns the new ones.
    fn take_in(&mut self, more: &TermVector) -> Vec<Fingerprint> {
        let mut new = Vec::new();
        for (word, count) in &more.counts {
            if let Some(known) = self.counts.get_mut(word) {
                *known = known.saturating_add(*count);
            } else if self.counts.len() < TermVector::MAX {
                self.counts.insert(*word, *count);
                new.push(*word);
            }
        }
        new
    }
}

/// The terms of the newest incidents. Cloning shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SimilarityIndex {
    words: ShardedMap<IncidentId, TermVector>,
    /// By term: the incidents that have it.
    having: ShardedMap<Fingerprint, BTreeSet<IncidentId>>,
    /// In order of arrival.
    known: BTreeSet<IncidentId>,
}

impl SimilarityIndex {
    /// Maximum number of incidents; beyond it the oldest is dropped.
    pub const INCIDENTS_MAX: usize = 2_048;
    /// A term is rare if less than one in so many incidents has it…
    const RARE_ONE_IN: usize = 20;
    /// … or so few; this many of an incident's rarest terms count as rare in any case.
    const RARE_FEW: usize = 64;
    const RARE_WORDS_MIN: usize = 8;

    /// Stores the terms of an incident, in place of its former ones.
    pub fn insert(&mut self, id: IncidentId, words: TermVector) {
        self.forget(id);
        for word in words.counts.keys() {
            self.has(id, *word);
        }
        self.words.insert(id, words);
        self.known.insert(id);
        while self.known.len() > SimilarityIndex::INCIDENTS_MAX
            && let Some(oldest) = self.known.first().copied()
        {
            self.forget(oldest);
        }
    }

    /// Adds terms of a remembered incident; others are ignored.
    pub fn learn_more(&mut self, id: IncidentId, more: &TermVector) {
        let Some(words) = self.words.get_mut(&id) else { return };
        for word in words.take_in(more) {
            self.has(id, word);
        }
    }

    pub fn forget(&mut self, id: IncidentId) {
        self.known.remove(&id);
        let Some(words) = self.words.remove(&id) else { return };
        for word in words.counts.keys() {
            let is_last = self.having.get_mut(word).is_some_and(|having| {
                having.remove(&id);
                having.is_empty()
            });
            if is_last {
                self.having.remove(word);
            }
        }
    }

    /// The terms of an incident.
    pub fn words(&self, id: IncidentId) -> Option<&TermVector> {
        self.words.get(&id)
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The incidents of at least that similarity, the most similar first, of equals the newest; at most `most`.
    pub fn nearest(&self, words: &TermVector, at_least: f64, most: usize) -> Vec<(IncidentId, f64)> {
        let mut rarity = Rarity { likeness: self, known: BTreeMap::new() };
        let mut weigh = |word: &Fingerprint, count: u32| f64::from(count).ln_1p() * rarity.of(word);
        let weighed: BTreeMap<Fingerprint, f64> =
            words.counts.iter().map(|(word, count)| (*word, weigh(word, *count))).collect();
        let length = weighed.values().map(|weight| weight * weight).sum::<f64>().sqrt();
        if length == 0.0 {
            return Vec::new();
        }
        let cosine = |id: IncidentId| {
            let (mut product, mut square) = (0.0, 0.0);
            for (word, count) in &self.words.get(&id)?.counts {
                let weight = weigh(word, *count);
                square += weight * weight;
                product += weighed.get(word).map_or(0.0, |own| own * weight);
            }
            let similarity = product / (length * square.sqrt()).max(1e-12);
            (similarity >= at_least).then_some((id, similarity.min(1.0)))
        };
        let mut found: Vec<(IncidentId, f64)> = self.candidates(words).into_iter().filter_map(cosine).collect();
        found.sort_by(|(one, alike), (other, more)| more.total_cmp(alike).then(other.cmp(one)));
        found.truncate(most);
        found
    }

    fn has(&mut self, id: IncidentId, word: Fingerprint) {
        match self.having.get_mut(&word) {
            Some(having) => {
                having.insert(id);
            }
            None => {
                self.having.insert(word, BTreeSet::from([id]));
            }
        }
    }

    fn candidates(&self, words: &TermVector) -> BTreeSet<IncidentId> {
        let frequency = |word: &Fingerprint| self.having.get(word).map_or(0, BTreeSet::len);
        let mut by_rarity: Vec<(usize, Fingerprint)> =
            words.counts.keys().map(|word| (frequency(word), *word)).filter(|(having, _)| *having > 0).collect();
        by_rarity.sort_unstable();
        let most = (self.known.len() / SimilarityIndex::RARE_ONE_IN).max(SimilarityIndex::RARE_FEW);
        let is_rare = |rank: usize, having: usize| having <= most || rank < SimilarityIndex::RARE_WORDS_MIN;
        let rare = by_rarity.iter().enumerate().filter(|(rank, (having, _))| is_rare(*rank, *having));
        rare.filter_map(|(_, (_, word))| self.having.get(word)).flatten().copied().collect()
    }
}

/// Rarity of terms, each looked up once: thousands of incidents share few terms. A universal term weighs a little too,
/// so that incidents with only common terms can still be similar.
struct Rarity<'a> {
    likeness: &'a SimilarityIndex,
    known: BTreeMap<Fingerprint, f64>,
}

impl Rarity<'_> {
    fn of(&mut self, word: &Fingerprint) -> f64 {
        *self.known.entry(*word).or_insert_with(|| {
            let all = self.likeness.known.len() as f64;
            let having = self.likeness.having.get(word).map_or(0, BTreeSet::len) as f64;
            ((1.0 + all) / (1.0 + having)).ln().max(0.01)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(texts: &[(&str, &str, u32)]) -> TermVector {
        let mut words = TermVector::default();
        texts.iter().for_each(|(kind, word, count)| words.add(kind, word, *count));
        words
    }

    fn link(device: &str, site: &str) -> TermVector {
        words(&[("check", "LinkDown", 1), ("entity", device, 1), ("parent", site, 1), ("class", "交换机", 1)])
    }

    #[test]
    fn the_same_thing_again_is_the_most_alike_and_the_newest_wins() {
        let mut likeness = SimilarityIndex::default();
        likeness.insert(IncidentId(1), link("sw3", "广州01"));
        likeness.insert(IncidentId(2), link("sw9", "深圳02"));
        likeness.insert(IncidentId(3), words(&[("check", "DiskFull", 4), ("entity", "db1", 4)]));
        likeness.insert(IncidentId(4), link("sw3", "广州01"));
        let found = likeness.nearest(&link("sw3", "广州01"), SUGGESTED, 5);
        assert_eq!(found.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [4, 1]);
        assert!(found.iter().all(|(_, similarity)| *similarity > 0.999), "{found:?}");
        assert!(likeness.nearest(&link("sw4", "广州01"), 0.1, 1)[0].1 < SAME);
        assert!(likeness.nearest(&words(&[("check", "Fan", 1)]), 0.0, 5).is_empty(), "nothing in common");
        assert!(likeness.nearest(&TermVector::default(), 0.0, 5).is_empty());
    }

    #[test]
    fn the_oldest_is_forgotten_first_with_its_words() {
        let mut likeness = SimilarityIndex::default();
        for n in 0..(SimilarityIndex::INCIDENTS_MAX as u64 + 3) {
            likeness.insert(IncidentId(n), words(&[("entity", &format!("host-{n}"), 1)]));
        }
        assert_eq!(likeness.len(), SimilarityIndex::INCIDENTS_MAX);
        assert_eq!(likeness.words(IncidentId(2)), None);
        assert!(likeness.nearest(&words(&[("entity", "host-2", 1)]), 0.0, 1).is_empty());
        assert_eq!(likeness.nearest(&words(&[("entity", "host-3", 1)]), 0.0, 1)[0].0, IncidentId(3));
        assert_eq!(likeness.having.len(), SimilarityIndex::INCIDENTS_MAX);
    }

    #[test]
    fn an_incident_has_a_bounded_number_of_words_and_goes_on_counting_those() {
        let mut many = TermVector::default();
        for n in 0..500 {
            many.add("template", &n.to_string(), 1);
        }
        many.add("template", "3", 7);
        assert_eq!((many.counts.len(), many.counts.values().max()), (TermVector::MAX, Some(&8)));
    }

    proptest! {
        #[test]
        fn similarity_is_between_0_and_1_itself_first_and_survives_a_snapshot(
            docs in prop::collection::vec(prop::collection::btree_map(0u8..30, 1u32..20, 1..8), 1..40),
            again in prop::collection::vec(0usize..40, 0..10),
        ) {
            let mut likeness = SimilarityIndex::default();
            let of = |doc: &BTreeMap<u8, u32>| {
                let mut words = TermVector::default();
                doc.iter().for_each(|(word, count)| words.add("w", &word.to_string(), *count));
                words
            };
            for (n, doc) in docs.iter().enumerate() {
                likeness.insert(IncidentId(n as u64), of(doc));
            }
            for n in again {
                likeness.insert(IncidentId(n as u64), of(&docs[n % docs.len()]));
            }
            let mut bit_by_bit = SimilarityIndex::default();
            for n in likeness.known.iter().copied() {
                let whole = likeness.words(n).cloned().unwrap_or_default();
                bit_by_bit.insert(n, TermVector::default());
                for (word, count) in &whole.counts {
                    bit_by_bit.learn_more(n, &TermVector { counts: BTreeMap::from([(*word, 1)]) });
                    bit_by_bit.learn_more(n, &TermVector { counts: BTreeMap::from([(*word, count - 1)]) });
                }
            }
            prop_assert_eq!(&bit_by_bit, &likeness);
            let restored: SimilarityIndex = postcard::from_bytes(&postcard::to_allocvec(&likeness).unwrap()).unwrap();
            prop_assert_eq!(&restored, &likeness);
            for doc in &docs {
                let found = likeness.nearest(&of(doc), 0.0, 3);
                prop_assert!((found[0].1 - 1.0).abs() < 1e-9, "{:?}", found);
                prop_assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1));
                prop_assert_eq!(found, restored.nearest(&of(doc), 0.0, 3));
            }
        }
    }
}
