//! A posted silence, read as strictly and as leniently as Alertmanager reads it, and refused in its words.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refusal::V2Refusal;
use crate::engine::SilenceDraft;
use crate::model::{Labels, Matcher, MatcherOp, Matchers, Moment, SilenceId, Stamp};

/// Bounds of our own; the first two also of what every alert is compared with.
const MATCHERS_MAX: usize = 64;
const ANNOTATIONS_MAX: usize = 64;
const TEXT_MAX_BYTES: usize = 8 * 1024;

/// What clients send. Every member but `id` and `annotations` must be there; unknown ones are ignored.
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PostedSilence {
    /// Of the silence to update.
    id: Option<String>,
    #[schema(value_type = Vec<Object>)]
    matchers: Option<Vec<Option<PostedMatcher>>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    created_by: Option<String>,
    comment: Option<String>,
    #[schema(value_type = Object)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct PostedMatcher {
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

/// The id to update, if any, and the draft.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Option<SilenceId>, SilenceDraft), V2Refusal> {
    if body.is_empty() {
        return Err(V2Refusal::schema(602, "silence in body is required"));
    }
    check_media_type(headers)?;
    let posted: Option<PostedSilence> = serde_json::from_slice(body).map_err(unparsable)?;
    posted.unwrap_or_default().into_draft()
}

fn check_media_type(headers: &HeaderMap) -> Result<(), V2Refusal> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = value.unwrap_or("application/octet-stream");
    let kind: String = text.split(';').next().unwrap_or_default().trim().chars().take(128).collect();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("unsupported media type {kind:?}, only [application/json] are allowed");
    Err(V2Refusal::framework(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

fn unparsable(reason: impl std::fmt::Display) -> V2Refusal {
    V2Refusal::framework(StatusCode::BAD_REQUEST, format!("parsing silence body from \"\" failed, because {reason}"))
}

fn required(what: impl std::fmt::Display) -> V2Refusal {
    V2Refusal::schema(602, format!("{what} in body is required"))
}

impl PostedSilence {
    /// In the order in which Alertmanager checks the members.
    fn into_draft(self) -> Result<(Option<SilenceId>, SilenceDraft), V2Refusal> {
        let starts = self.starts_at.as_deref().map(stamp).transpose()?;
        let ends = self.ends_at.as_deref().map(stamp).transpose()?;
        let comment = text("comment", self.comment.ok_or_else(|| required("comment"))?)?;
        let created_by = text("createdBy", self.created_by.ok_or_else(|| required("createdBy"))?)?;
        let ends_at = ends.ok_or_else(|| required("endsAt"))?;
        let matchers = matchers(self.matchers.ok_or_else(|| required("matchers"))?)?;
        let starts_at = starts.ok_or_else(|| required("startsAt"))?;
        let annotations = annotations(self.annotations.unwrap_or_default())?;
        let id = match self.id.as_deref() {
            None | Some("") => None,
            Some(id) => Some(id.parse().map_err(|_| V2Refusal::silence_not_found())?),
        };
        Ok((id, SilenceDraft { matchers, starts_at, ends_at, created_by, comment, annotations }))
    }
}

/// An empty time is the zero time, as Go has it.
fn stamp(text: &str) -> Result<Stamp, V2Refusal> {
    if text.is_empty() {
        return Ok(Stamp::utc(Moment::from_seconds(-62_135_596_800)));
    }
    text.parse().map_err(unparsable)
}

fn text(name: &str, text: String) -> Result<String, V2Refusal> {
    if text.len() > TEXT_MAX_BYTES {
        let message = format!("silence invalid: {name} of {} bytes; at most {TEXT_MAX_BYTES} are kept", text.len());
        return Err(V2Refusal::words(message));
    }
    // PostgreSQL cannot keep it, and events lose it at the door too.
    Ok(text.replace('\0', ""))
}

fn matchers(posted: Vec<Option<PostedMatcher>>) -> Result<Matchers, V2Refusal> {
    if posted.is_empty() {
        return Err(V2Refusal::schema(612, "matchers in body should have at least 1 items"));
    }
    if posted.len() > MATCHERS_MAX {
        return Err(V2Refusal::words(format!("silence invalid: at most {MATCHERS_MAX} matchers are kept")));
    }
    let mut matchers = Vec::with_capacity(posted.len());
    for (index, matcher) in posted.into_iter().enumerate() {
        matchers.push(one_matcher(index, matcher.unwrap_or_default())?);
    }
    if matchers.iter().all(|matcher| matcher.matches_value("") && matcher.op().is_positive()) {
        return Err(V2Refusal::words("silence invalid: at least one matcher must not match the empty string"));
    }
    Ok(Matchers(matchers))
}

fn one_matcher(index: usize, posted: PostedMatcher) -> Result<Matcher, V2Refusal> {
    let is_regex = posted.is_regex.ok_or_else(|| required(format!("matchers.{index}.isRegex")))?;
    let name = posted.name.ok_or_else(|| required(format!("matchers.{index}.name")))?;
    let value = posted.value.ok_or_else(|| required(format!("matchers.{index}.value")))?;
    let op = match (posted.is_equal.unwrap_or(true), is_regex) {
        (true, false) => MatcherOp::Equal,
        (false, false) => MatcherOp::NotEqual,
        (true, true) => MatcherOp::Matches,
        (false, true) => MatcherOp::NotMatches,
    };
    let invalid = |reason: String| V2Refusal::words(format!("silence invalid: invalid label matcher {index}: {reason}"));
    let (name, value) = (text("a name", name)?, text("a value", value)?);
    if name.is_empty() {
        return Err(invalid("invalid label name \"\"".to_owned()));
    }
    Matcher::new(name, op, value).map_err(|bad| invalid(bad.to_string()))
}

fn annotations(posted: BTreeMap<String, String>) -> Result<Labels, V2Refusal> {
    if posted.len() > ANNOTATIONS_MAX {
        return Err(V2Refusal::words(format!("silence invalid: at most {ANNOTATIONS_MAX} annotations are kept")));
    }
    let pairs = posted.into_iter().map(|(name, value)| Ok((text("an annotation", name)?, text("an annotation", value)?)));
    Ok(Labels::from_pairs(pairs.collect::<Result<Vec<_>, V2Refusal>>()?))
}
