//! Size limits of an event, for every intake; and the label collector that enforces them.

use std::borrow::Cow;

use super::{Labels, LabelsBuilder};

/// Maximum number of events in one request, message or payload.
pub const EVENTS_MAX: usize = 10_000;
/// Maximum number of labels of one event.
pub const LABELS_MAX: usize = 64;
/// Maximum number of annotations of one event.
pub const ANNOTATIONS_MAX: usize = 64;
/// Maximum length of a label's or an annotation's name, in bytes.
pub const NAME_MAX_BYTES: usize = 256;
/// Maximum length of a label value, in bytes. Longer ones are refused, because a cut value would be another identity.
pub const LABEL_MAX_BYTES: usize = 4_096;
/// Maximum length of an annotation or a summary, in bytes. Longer ones are cut, visibly.
pub const TEXT_MAX_BYTES: usize = 16_384;
/// Maximum length of a producer's id, in bytes.
pub const ID_MAX_BYTES: usize = 256;

/// Mark at the end of a text that was cut.
const CUT_MARK: &str = " … (cut)";

/// The text without NUL characters (PostgreSQL stores none) and at most `max` bytes long, with a mark where it was cut.
pub fn bounded_text(text: &str, max: usize) -> Cow<'_, str> {
    let text = without_nul(text);
    if text.len() <= max {
        return text;
    }
    let kept = text.floor_char_boundary(max.saturating_sub(CUT_MARK.len()));
    Cow::Owned(format!("{}{CUT_MARK}", &text[..kept]))
}

/// The start of a text, for an error message.
pub fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(64).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn without_nul(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

/// Purpose of a set of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairsOf {
    Labels,
    Annotations,
}

impl PairsOf {
    const fn word(self) -> &'static str {
        match self {
            PairsOf::Labels => "label",
            PairsOf::Annotations => "annotation",
        }
    }

    const fn max(self) -> usize {
        match self {
            PairsOf::Labels => LABELS_MAX,
            PairsOf::Annotations => ANNOTATIONS_MAX,
        }
    }
}

/// Collects pairs within the limits. [`BoundedPairs::finish`] returns the first error, so that a parser can go on to
/// the next event.
pub struct BoundedPairs {
    of: PairsOf,
    builder: LabelsBuilder,
    count: usize,
    wrong: Option<String>,
    last_wins: bool,
}

impl BoundedPairs {
    pub fn new(of: PairsOf) -> BoundedPairs {
        BoundedPairs { of, builder: LabelsBuilder::with_capacity(8, 256), count: 0, wrong: None, last_wins: false }
    }

    /// Collects pairs as Alertmanager does: of a repeated name the last value counts.
    pub fn last_wins(of: PairsOf) -> BoundedPairs {
        BoundedPairs { last_wins: true, ..BoundedPairs::new(of) }
    }

    /// Adds one pair. An empty value is no pair; NUL characters are dropped.
    pub fn push(&mut self, name: &str, value: &str) {
        if name.is_empty() {
            return self.refuse(|| "invalid name \"\": a name must not be empty".to_owned());
        }
        if value.is_empty() {
            return;
        }
        self.count += 1;
        if self.count > self.of.max() {
            return;
        }
        if name.len() > NAME_MAX_BYTES {
            let (word, bytes) = (self.of.word(), name.len());
            return self.refuse(|| {
                format!("the {word} name {:?} is {bytes} bytes long; at most {NAME_MAX_BYTES}", excerpt(name))
            });
        }
        match self.of {
            PairsOf::Labels if value.len() > LABEL_MAX_BYTES => {
                let bytes = value.len();
                self.refuse(|| format!("the value of label {name:?} is {bytes} bytes long; at most {LABEL_MAX_BYTES}"));
            }
            PairsOf::Annotations if value.len() > TEXT_MAX_BYTES => {
                self.builder.push(name, &bounded_text(value, TEXT_MAX_BYTES));
            }
            PairsOf::Labels | PairsOf::Annotations => self.builder.push(name, value),
        }
    }

    /// Records an error of the set; only the first is kept.
    pub fn refuse(&mut self, reason: impl FnOnce() -> String) {
        if self.wrong.is_none() {
            self.wrong = Some(reason());
        }
    }

    /// The set, or its first error.
    pub fn finish(self) -> Result<Labels, String> {
        let (word, max) = (self.of.word(), self.of.max());
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        if self.count > max {
            return Err(format!("{} {word}s on one event; at most {max}", self.count));
        }
        if self.builder.contains('\0') {
            return self.finish_without_nul();
        }
        if self.last_wins {
            return Ok(self.builder.build_last());
        }
        self.builder.build().map_err(|double| format!("the {word} {:?} stands twice", double.name))
    }

    /// Checked once for the whole set, because nearly no event has one.
    fn finish_without_nul(self) -> Result<Labels, String> {
        let word = self.of.word();
        let twice = |name: String| format!("the {word} {name:?} stands twice");
        let labels = match self.last_wins {
            true => self.builder.build_last(),
            false => self.builder.build().map_err(|double| twice(double.name))?,
        };
        let mut cleaned = BoundedPairs::new(self.of);
        for (name, value) in labels.iter() {
            cleaned.push(&without_nul(name), &without_nul(value));
        }
        cleaned.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(of: PairsOf, pairs: &[(&str, &str)], expected: Result<&str, &str>) {
        let mut bounded = BoundedPairs::new(of);
        for (name, value) in pairs {
            bounded.push(name, value);
        }
        let found = bounded.finish().map(|labels| labels.to_string());
        match expected {
            Ok(labels) => assert_eq!(found.as_deref(), Ok(labels)),
            Err(piece) => assert!(found.as_ref().is_err_and(|why| why.contains(piece)), "{found:?} has no {piece:?}"),
        }
    }

    #[test]
    fn a_set_within_the_bounds_is_kept_and_what_is_wrong_is_named() {
        check(PairsOf::Labels, &[("site", "广州"), ("empty", ""), ("nul", "a\0b")], Ok(r#"{nul="ab", site="广州"}"#));
        check(PairsOf::Labels, &[("a", "1"), ("a", "2")], Err("label \"a\" stands twice"));
        check(PairsOf::Labels, &[("", "1")], Err("invalid name \"\""));
        check(PairsOf::Labels, &[(&"n".repeat(257), "1")], Err("257 bytes long; at most 256"));
        check(PairsOf::Labels, &[("a", &"v".repeat(4_097))], Err("label \"a\" is 4097 bytes long"));
        let many: Vec<String> = (0..10_000).map(|n| format!("l{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "x")).collect();
        check(PairsOf::Labels, &many, Err("10000 labels on one event; at most 64"));
        check(PairsOf::Annotations, &many, Err("10000 annotations on one event; at most 64"));
    }

    #[test]
    fn long_texts_are_cut_visibly_between_characters() {
        let cut = bounded_text(&"磁".repeat(10_000), TEXT_MAX_BYTES).into_owned();
        assert!(cut.len() <= TEXT_MAX_BYTES && cut.ends_with("磁 … (cut)"), "{} bytes", cut.len());
        assert_eq!(bounded_text("磁盘", TEXT_MAX_BYTES), "磁盘");
    }
}
