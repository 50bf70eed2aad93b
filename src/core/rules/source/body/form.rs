//! Forms: `application/x-www-form-urlencoded` and `multipart/form-data`, both an object of texts.

use serde_json::{Map, Value};

use super::error::ParseBodyError;
use super::fields::check_fields;

/// RFC 2046: a boundary has at most so many characters.
const BOUNDARY_MAX: usize = 70;

/// `a=1&b=%E5%B9%BF`: later fields of the same name win.
pub(super) fn urlencoded(text: &str) -> Result<Map<String, Value>, ParseBodyError> {
    let mut fields = Map::new();
    for field in text.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        fields.insert(percent_decoded(name)?, Value::String(percent_decoded(value)?));
        check_fields(&fields)?;
    }
    Ok(fields)
}

pub(super) fn percent_decoded(text: &str) -> Result<String, ParseBodyError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |byte: &u8| char::from(*byte).to_digit(16);
        let escaped = match after {
            [high, low, ..] if *first == b'%' => hex(high).zip(hex(low)),
            _ => None,
        };
        match (first, escaped) {
            (_, Some((high, low))) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
                continue;
            }
            (b'+', None) => bytes.push(b' '),
            (other, None) => bytes.push(*other),
        }
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| ParseBodyError::whole("a field of the form is not UTF-8"))
}

/// The parts that have a name and are text; files are left out.
pub(super) fn multipart(payload: &[u8], content_type: &str) -> Result<Map<String, Value>, ParseBodyError> {
    let boundary = parameter(content_type, "boundary").filter(|text| !text.is_empty() && text.len() <= BOUNDARY_MAX);
    let boundary =
        boundary.ok_or_else(|| ParseBodyError::whole("the Content-Type of a multipart body names its boundary"))?;
    let dashes = format!("--{boundary}").into_bytes();
    let mut fields = Map::new();
    let mut rest = payload;
    let mut begun = false;
    while let Some(at) = find(rest, &dashes) {
        if begun {
            take_part(&rest[..at], &mut fields)?;
            check_fields(&fields)?;
        }
        begun = true;
        rest = &rest[at + dashes.len()..];
        if rest.starts_with(b"--") {
            return Ok(fields);
        }
    }
    Err(ParseBodyError::whole("a multipart body that does not end with its boundary"))
}

fn take_part(part: &[u8], fields: &mut Map<String, Value>) -> Result<(), ParseBodyError> {
    let end = find(part, b"\r\n\r\n").map(|at| (at, at + 4)).or_else(|| find(part, b"\n\n").map(|at| (at, at + 2)));
    let Some((head, body)) = end else {
        return Err(ParseBodyError::whole("a part of a multipart body without a head"));
    };
    let head = String::from_utf8_lossy(&part[..head]).into_owned();
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let disposition = disposition.unwrap_or_default();
    let Some(name) = parameter(disposition, "name").filter(|_| parameter(disposition, "filename").is_none()) else {
        return Ok(());
    };
    let body = part[body..].strip_suffix(b"\n").unwrap_or(&part[body..]);
    let body = body.strip_suffix(b"\r").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|_| ParseBodyError::whole("a field of the form is not UTF-8"))?;
    fields.insert(name.to_owned(), Value::String(text.to_owned()));
    Ok(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A parameter of a header's value: `text/plain; charset=GBK`.
pub(super) fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').skip(1).find_map(|parameter| {
        let (found, value) = parameter.split_once('=')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}
