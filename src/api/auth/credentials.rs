//! The secret that a request carries: `Authorization: Bearer`, `Basic` (its password), or `X-API-Key`.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// The longest secret looked at, in bytes; a longer one is nobody's.
const SECRET_MAX_BYTES: usize = 512;

/// What a request says of who sent it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    None,
    Secret(String),
    /// There is something, but nothing that could be a token.
    Unreadable,
}

/// `Authorization` first, then `X-API-Key`.
pub(super) fn of(headers: &HeaderMap) -> Credentials {
    let Some(value) = headers.get(AUTHORIZATION).or_else(|| headers.get("x-api-key")) else {
        return Credentials::None;
    };
    let secret = value.to_str().ok().filter(|text| text.len() <= SECRET_MAX_BYTES).and_then(|text| {
        if headers.contains_key(AUTHORIZATION) { from_authorization(text) } else { Some(text.trim().to_owned()) }
    });
    match secret {
        Some(secret) if !secret.is_empty() => Credentials::Secret(secret),
        Some(_) | None => Credentials::Unreadable,
    }
}

fn from_authorization(text: &str) -> Option<String> {
    let (scheme, rest) = text.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(decode_base64(rest.trim())?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// Standard base64 with or without its padding; `None` for anything else.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = (bits << 6) | sextet(*digit)?;
        }
        bits <<= 6 * (4 - group.len());
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(out)
}

fn sextet(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_behind_every_door_and_nonsense_is_nobody() {
        let check = |name: &'static str, value: &str, expected: Option<&str>| {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static(name),
                axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )]);
            let expected = expected.map_or(Credentials::Unreadable, |secret| Credentials::Secret(secret.to_owned()));
            assert_eq!(of(&headers), expected, "{name}: {value}");
        };
        check("authorization", "Bearer wf_abc", Some("wf_abc"));
        check("authorization", "bearer  wf_abc ", Some("wf_abc"));
        check("authorization", "Basic b3BzOndmX2FiYw==", Some("wf_abc"));
        check("authorization", "Basic b3BzOndmX2FiYw", Some("wf_abc"));
        check("authorization", "Basic OndmOmE=", Some("wf:a"));
        check("authorization", "Basic b3Bz", None);
        check("authorization", "Basic !!!!", None);
        check("authorization", "Basic b", None);
        check("authorization", "Bearer", None);
        check("authorization", "Bearer ", None);
        check("authorization", "Digest username=x", None);
        check("authorization", "Bearer 令牌", None);
        check("x-api-key", "wf_abc", Some("wf_abc"));
        check("x-api-key", "", None);
        check("x-api-key", &"x".repeat(513), None);
        assert_eq!(of(&HeaderMap::new()), Credentials::None);
    }
}
