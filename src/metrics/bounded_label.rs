//! Label values from outside: limited in length and number.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// The label value beyond the limit.
pub(super) const OTHER: &str = "other";

/// Maximum length of a label value, in bytes; longer ones are cut.
const VALUE_MAX_BYTES: usize = 120;

/// The distinct values that one label has taken so far, at most `most`.
pub(super) struct BoundedLabel {
    most: usize,
    known: RwLock<BTreeSet<Box<str>>>,
}

impl BoundedLabel {
    pub fn new(most: usize) -> BoundedLabel {
        BoundedLabel { most, known: RwLock::new(BTreeSet::new()) }
    }

    /// The label value: the word itself, cut, or `other` once the limit is reached.
    pub fn admit<'w>(&self, word: &'w str) -> Cow<'w, str> {
        let word = cut(word);
        if self.known.read().unwrap_or_else(PoisonError::into_inner).contains(word.as_ref()) {
            return word;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < self.most {
            known.insert(word.as_ref().into());
        }
        if known.contains(word.as_ref()) { word } else { Cow::Borrowed(OTHER) }
    }
}

/// Empty words become `other`, because an empty label value is no label at all.
fn cut(word: &str) -> Cow<'_, str> {
    if word.is_empty() {
        return Cow::Borrowed(OTHER);
    }
    if word.len() <= VALUE_MAX_BYTES {
        return Cow::Borrowed(word);
    }
    let end = word.floor_char_boundary(VALUE_MAX_BYTES - '…'.len_utf8());
    Cow::Owned(format!("{}…", &word[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_past_the_bound_count_as_other_and_known_ones_stay() {
        let words = BoundedLabel::new(2);
        for (word, expected) in
            [("链路中断", "链路中断"), ("b", "b"), ("c", OTHER), ("链路中断", "链路中断"), ("", OTHER)]
        {
            assert_eq!(words.admit(word), expected, "{word}");
        }
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        let long = "告警".repeat(100);
        let shown = BoundedLabel::new(1).admit(&long).into_owned();
        assert!(
            shown.len() <= VALUE_MAX_BYTES && shown.ends_with('…') && long.starts_with(shown.trim_end_matches('…'))
        );
    }
}
