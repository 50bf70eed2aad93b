//! A posted silence, read as strictly and as leniently as Alertmanager reads it, and refused in its words.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::V2Refusal;
use crate::core::engine::SilenceDraft;
use crate::core::model::{Labels, Matcher, MatcherOp, Matchers, SilenceId, Stamp, Timestamp};

/// Bounds of our own; the first two also of what every alert is compared with.
const MATCHERS_MAX: usize = 64;
const ANNOTATIONS_MAX: usize = 64;
const TEXT_MAX_BYTES: usize = 8 * 1024;

/// What clients send. Every member but `id` and `annotations` must be there; unknown ones are ignored.
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "camelCase")]
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
#[serde(rename_all = "camelCase")]
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
        Ok((id, SilenceDraft { matchers, starts_at, ends_at, created_by, comment, annotations, until_resolved: false }))
    }
}

/// An empty time is the zero time, as Go has it.
fn stamp(text: &str) -> Result<Stamp, V2Refusal> {
    if text.is_empty() {
        return Ok(Stamp::utc(Timestamp::from_seconds(-62_135_596_800)));
    }
    text.parse().map_err(unparsable)
}

fn text(name: &str, text: String) -> Result<String, V2Refusal> {
    if text.len() > TEXT_MAX_BYTES {
        let message = format!("invalid silence: {name} of {} bytes; at most {TEXT_MAX_BYTES} are kept", text.len());
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
        return Err(V2Refusal::words(format!("invalid silence: at most {MATCHERS_MAX} matchers are kept")));
    }
    let mut matchers = Vec::with_capacity(posted.len());
    for (index, matcher) in posted.into_iter().enumerate() {
        matchers.push(one_matcher(index, matcher.unwrap_or_default())?);
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
    let invalid =
        |reason: String| V2Refusal::words(format!("invalid silence: invalid label matcher {index}: {reason}"));
    let (name, value) = (text("a name", name)?, text("a value", value)?);
    if name.is_empty() {
        return Err(invalid("invalid label name \"\"".to_owned()));
    }
    Matcher::new(name, op, value).map_err(|bad| invalid(bad.to_string()))
}

fn annotations(posted: BTreeMap<String, String>) -> Result<Labels, V2Refusal> {
    if posted.len() > ANNOTATIONS_MAX {
        return Err(V2Refusal::words(format!("invalid silence: at most {ANNOTATIONS_MAX} annotations are kept")));
    }
    let pairs =
        posted.into_iter().map(|(name, value)| Ok((text("an annotation", name)?, text("an annotation", value)?)));
    Ok(Labels::from_pairs(pairs.collect::<Result<Vec<_>, V2Refusal>>()?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn whole() -> Value {
        json!({
            "matchers": [{"name": "a", "value": "b", "isRegex": false}],
            "startsAt": "2026-11-21T18:02:25.542Z",
            "endsAt": "2036-11-21T19:02:25.542+08:00",
            "createdBy": "值班员",
            "comment": "计划内割接",
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut body = whole();
        body[name] = value;
        body
    }

    fn without(name: &str) -> Value {
        let mut body = whole();
        body.as_object_mut().unwrap().remove(name);
        body
    }

    fn read_as(kind: &str, body: &str) -> Result<(Option<SilenceId>, SilenceDraft), V2Refusal> {
        read(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]), body.as_bytes())
    }

    /// What the real Alertmanager 0.25 answered to the same bodies, as far as it did not crash (its newer releases say
    /// "invalid silence" for its "silence invalid").
    #[test]
    fn bodies_are_refused_as_alertmanager_refuses_them() {
        let check = |body: &str, expected: &str| {
            let said = match read_as("application/json", body) {
                Ok(_) => "taken".to_owned(),
                Err(V2Refusal::Framework { status, code, message }) => format!("{} {code} {message}", status.as_u16()),
                Err(V2Refusal::Words { status, message }) => format!("{} {message}", status.as_u16()),
                Err(other) => format!("{other:?}"),
            };
            assert!(said.starts_with(expected), "{body}: {said}, expected {expected}");
        };
        let matcher = |matcher: Value| with("matchers", json!([matcher])).to_string();
        check(&whole().to_string(), "taken");
        check("", "422 602 silence in body is required");
        check("null", "422 602 comment in body is required");
        check("{}", "422 602 comment in body is required");
        check("[]", "400 400 parsing silence body from \"\" failed, because");
        check("{", "400 400 parsing silence body from");
        check("\"x\"", "400 400 parsing silence body");
        check(&without("createdBy").to_string(), "422 602 createdBy in body is required");
        check(&without("endsAt").to_string(), "422 602 endsAt in body is required");
        check(&without("startsAt").to_string(), "422 602 startsAt in body is required");
        check(&without("matchers").to_string(), "422 602 matchers in body is required");
        check(&with("matchers", json!([])).to_string(), "422 612 matchers in body should have at least 1 items");
        check(&with("matchers", json!({})).to_string(), "400 400 parsing silence body");
        check(&with("matchers", json!([null])).to_string(), "422 602 matchers.0.isRegex in body is required");
        check(&matcher(json!({})), "422 602 matchers.0.isRegex in body is required");
        check(&matcher(json!({"name": "a", "value": "x"})), "422 602 matchers.0.isRegex in body is required");
        check(&matcher(json!({"name": "a", "value": "x", "isRegex": "yes"})), "400 400 parsing silence body");
        check(
            &matcher(json!({"name": "", "value": "x", "isRegex": false})),
            "400 invalid silence: invalid label matcher 0: invalid label name \"\"",
        );
        // What depends on state or time, and matchers that match nothing but absence, the engine refuses.
        check(&matcher(json!({"name": "a", "value": "", "isRegex": false})), "taken");
        check(&matcher(json!({"name": "a", "value": "x", "isRegex": false, "isEqual": false})), "taken");
        check(&matcher(json!({"name": "a", "value": "(", "isRegex": true})), "400 invalid silence: invalid label");
        check(&with("createdBy", json!("")).to_string(), "taken");
        check(&with("startsAt", json!("")).to_string(), "taken");
        check(&with("startsAt", json!("0001-01-01T00:00:00.000Z")).to_string(), "taken");
        check(&with("startsAt", json!("2026-11-21")).to_string(), "400 400 parsing silence body");
        check(&with("startsAt", Value::Null).to_string(), "422 602 startsAt in body is required");
        check(&with("id", json!("nope")).to_string(), "404 silence not found");
        check(&with("id", json!("")).to_string(), "taken");
        check(&with("id", json!(5)).to_string(), "400 400 parsing silence body");
        check(&with("unknown", json!(1)).to_string(), "taken");
        check(&with("comment", json!("x".repeat(8193))).to_string(), "400 invalid silence: comment of 8193 bytes");
    }

    #[test]
    fn a_draft_keeps_words_offsets_and_kinds_of_matchers() {
        let body = with("matchers", json!([{"name": "站点", "value": "广.*", "isRegex": true, "isEqual": false}]));
        let (id, draft) = read_as("application/json; charset=utf-8", &body.to_string()).unwrap();
        assert_eq!(id, None);
        assert_eq!(draft.matchers.0[0].op(), MatcherOp::NotMatches);
        assert_eq!((draft.created_by.as_str(), draft.comment.as_str()), ("值班员", "计划内割接"));
        assert_eq!(draft.ends_at.to_string(), "2036-11-21T19:02:25.542+08:00");
        assert!(matches!(
            read_as("text/plain", &body.to_string()),
            Err(V2Refusal::Framework { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code: 415, .. })
        ));
    }
}
