//! Query parameters, taken one by one; what nobody took is a mistake that is named.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::error::ApiError;
use crate::store::PageRequest;

/// Bounds on what a person can make us parse.
const PAIRS_MAX: usize = 64;
const TEXT_MAX_CHARS: usize = 256;
const LIMIT_MAX: u32 = 500;

/// The query of one request.
pub struct QueryParameters {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl<S: Sync> FromRequestParts<S> for QueryParameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<QueryParameters, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::bad(format!("the query cannot be read: {error}")))?;
        if pairs.len() > PAIRS_MAX {
            return Err(ApiError::bad(format!("{} query parameters; at most {PAIRS_MAX} are read", pairs.len())));
        }
        Ok(QueryParameters { pairs, known: Vec::new() })
    }
}

impl QueryParameters {
    /// The value of a parameter that may stand once; empty counts as absent.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        let mut values = self.take(name);
        if values.len() > 1 {
            return Err(ApiError::bad(format!("parameter {name} stands {} times; once is enough", values.len())));
        }
        let value = values.pop().filter(|value| !value.is_empty());
        if let Some(value) = &value {
            check_text(name, value)?;
        }
        Ok(value)
    }

    /// One value of a type.
    pub fn value<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &'static str) -> Result<Option<T>, ApiError> {
        self.text(name)?.map(|text| text.parse().map_err(|error| bad_value(name, error))).transpose()
    }

    /// Any number of words of a closed set, repeated or separated by commas.
    pub fn words<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Result<Vec<T>, ApiError> {
        let mut found = Vec::new();
        for text in self.take(name).iter().flat_map(|value| value.split(',')).filter(|word| !word.is_empty()) {
            let word = all.iter().copied().find(|candidate| as_str(*candidate).eq_ignore_ascii_case(text));
            found.push(word.ok_or_else(|| {
                let expected = all.iter().map(|word| as_str(*word)).collect::<Vec<_>>().join(", ");
                let shown: String = text.chars().take(64).collect();
                bad_value(name, format!("{shown:?} is none of {expected}"))
            })?);
        }
        Ok(found)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ApiError> {
        self.value(name)
    }

    /// `cursor` and `limit`; the last to be taken: what is left after it is a mistake.
    pub fn page(mut self) -> Result<PageRequest, ApiError> {
        let cursor = self.text("cursor")?;
        let limit = self.value("limit")?.unwrap_or(PageRequest::default().limit);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(ApiError::bad(format!("limit {limit} is out of range; expected 1 to {LIMIT_MAX}")));
        }
        self.end()?;
        Ok(PageRequest { cursor, limit })
    }

    /// Refuses what nobody took.
    pub fn end(self) -> Result<(), ApiError> {
        let Some((name, _)) = self.pairs.first() else { return Ok(()) };
        let shown: String = name.chars().take(64).collect();
        let expected = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
        Err(ApiError::bad(format!("parameter {shown:?} is not known here; expected {expected}")))
    }

    fn take(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        self.pairs.extract_if(.., |(candidate, _)| candidate == name).map(|(_, value)| value).collect()
    }
}

fn check_text(name: &str, value: &str) -> Result<(), ApiError> {
    if value.chars().count() > TEXT_MAX_CHARS {
        return Err(bad_value(name, format!("longer than {TEXT_MAX_CHARS} characters")));
    }
    if value.contains('\0') {
        return Err(bad_value(name, "holds a NUL character"));
    }
    Ok(())
}

fn bad_value(name: &str, reason: impl std::fmt::Display) -> ApiError {
    ApiError::bad(format!("parameter {name}: {reason}"))
}
