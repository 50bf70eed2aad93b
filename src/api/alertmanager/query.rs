//! v2's query parameters: its notion of true, matchers, receivers; unknown ones are ignored, as there.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::error::V2Refusal;
use crate::api::http::error::ApiError;
use crate::core::model::{Labels, Matcher, MatcherOp};

/// How many matchers one query may hold: each is run on every alert.
const FILTERS_MAX: usize = 64;

/// The words that mean true, in any case; every other word means false.
const TRUE_WORDS: [&str; 10] = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"];

/// The query of one v2 request.
pub struct V2Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for V2Query {
    type Rejection = V2Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<V2Query, V2Refusal> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| V2Refusal::Failed(ApiError::bad(format!("the query cannot be read: {error}"))))?;
        Ok(V2Query(pairs.0))
    }
}

impl V2Query {
    /// True unless a word that does not mean true stands there; the last of several counts.
    pub fn flag(&self, name: &str) -> bool {
        let last = self.values(name).last().unwrap_or_default();
        last.is_empty() || TRUE_WORDS.iter().any(|word| word.eq_ignore_ascii_case(last))
    }

    /// One matcher a `filter`.
    pub fn filters(&self) -> Result<Filters, V2Refusal> {
        let texts: Vec<&str> = self.values("filter").collect();
        if texts.len() > FILTERS_MAX {
            return Err(V2Refusal::words(format!("{} filters; at most {FILTERS_MAX} are taken", texts.len())));
        }
        texts.into_iter().map(parse_filter).collect::<Result<_, _>>().map(Filters)
    }

    /// The receiver's pattern, anchored at both ends; empty counts as absent.
    pub fn receiver(&self) -> Result<ReceiverFilter, V2Refusal> {
        let text = self.values("receiver").last().unwrap_or_default();
        if text.is_empty() {
            return Ok(ReceiverFilter(None));
        }
        Matcher::new("receiver", MatcherOp::Matches, text)
            .map(|matcher| ReceiverFilter(Some(matcher)))
            .map_err(|bad| V2Refusal::words(format!("failed to parse receiver param: {bad}")))
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }
}

fn parse_filter(text: &str) -> Result<Matcher, V2Refusal> {
    Matcher::parse(text).map_err(|bad| V2Refusal::words(bad.reason))
}

/// Matchers that must all hold.
pub struct Filters(Vec<Matcher>);

impl Filters {
    pub fn pass(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }

    /// The labels that whatever passes holds.
    pub fn required(&self) -> impl Iterator<Item = (&str, &str)> {
        let equal = self.0.iter().filter(|matcher| matcher.op() == MatcherOp::Equal && !matcher.value().is_empty());
        equal.map(|matcher| (matcher.name(), matcher.value()))
    }

    /// Silences are filtered by what they say, not by what they would match.
    pub fn stand_in(&self, matchers: &crate::core::model::Matchers) -> bool {
        self.0.iter().all(|wanted| matchers.iter().any(|matcher| matcher == wanted))
    }
}

/// A pattern on a receiver's name.
pub struct ReceiverFilter(Option<Matcher>);

impl ReceiverFilter {
    pub fn passes(&self, receiver: &str) -> bool {
        self.0.as_ref().is_none_or(|matcher| matcher.matches_value(receiver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> V2Query {
        V2Query(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn only_true_words_are_true_and_absence_is_too() {
        let check =
            |value: &str, expected: bool| assert_eq!(query(&[("active", value)]).flag("active"), expected, "{value}");
        for word in ["true", "TRUE", "1", "yes", "T", "enabled", ""] {
            check(word, true);
        }
        for word in ["false", "0", "no", "maybe", "x", "真"] {
            check(word, false);
        }
        assert!(query(&[]).flag("active"));
        assert!(query(&[("active", "false"), ("active", "true")]).flag("active"), "the last one counts");
    }

    #[test]
    fn an_absent_label_is_the_empty_text_and_patterns_are_anchored() {
        let labels = Labels::from_pairs([("site", "广州"), ("host", "h1")]);
        let check = |filters: &[&str], expected: bool| {
            let pairs: Vec<(&str, &str)> = filters.iter().map(|filter| ("filter", *filter)).collect();
            let filters = query(&pairs).filters().ok().map(|filters| filters.pass(&labels));
            assert_eq!(filters, Some(expected), "{pairs:?}");
        };
        check(&[], true);
        check(&["site=广州"], true);
        check(&["site=~\"广.\""], true);
        check(&["site=~\"广\""], false);
        check(&["x=\"\""], true);
        check(&["x!=\"\""], false);
        check(&["x!=\"v\""], true);
        check(&["host=h1", "site=x"], false);
        for bad in ["", "foo", "{host=\"h1\"}", "a=\"1\",b=\"2\"", "a=~\"(\""] {
            assert!(query(&[("filter", bad)]).filters().is_err(), "{bad}");
        }
        let receiver = query(&[("receiver", "noc.*")]).receiver().unwrap();
        assert!(receiver.passes("noc-1") && !receiver.passes("the noc"));
        assert!(query(&[("receiver", "")]).receiver().unwrap().passes("x"));
        assert!(query(&[("receiver", "(")]).receiver().is_err());
    }
}
