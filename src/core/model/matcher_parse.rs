//! Alertmanager's two matcher grammars, and its choice between them.
//!
//! The older grammar (classic) knows only ASCII names and takes almost anything as a value; the newer one (UTF-8) takes
//! any name but wants values that need it quoted. Where both read a text, but differently, the classic reading wins, so
//! that no text that ever worked changes its meaning.

use super::matcher::is_reserved;
use super::matcher_error::ParseMatcherError;
use super::{Matcher, MatcherOp, Matchers};

/// Maximum length of a text, in bytes.
const TEXT_MAX_BYTES: usize = 64 * 1024;

impl Matcher {
    /// Reads exactly one matcher, without braces, as Alertmanager's `filter=` takes it.
    pub fn parse(text: &str) -> Result<Matcher, ParseMatcherError> {
        single(text)
    }
}

impl Matchers {
    /// Parses a list: matchers separated by commas, optionally in braces. An empty text is the empty list.
    pub fn parse(text: &str) -> Result<Matchers, ParseMatcherError> {
        list(text)
    }
}

/// A list: matchers separated by commas, optionally in braces, optionally with a comma at the end.
pub(super) fn list(text: &str) -> Result<Matchers, ParseMatcherError> {
    limit(text)?;
    choose(utf8_list(text), classic_list(text)).map(Matchers)
}

/// Exactly one matcher, without braces.
pub(super) fn single(text: &str) -> Result<Matcher, ParseMatcherError> {
    limit(text)?;
    if text.starts_with('{') || text.ends_with('}') {
        return bad(format!("unexpected open or close brace: {text}"), 0);
    }
    choose(utf8_single(text), classic_matcher(text, 0))
}

fn choose<T: PartialEq>(
    utf8: Result<T, ParseMatcherError>,
    classic: Result<T, ParseMatcherError>,
) -> Result<T, ParseMatcherError> {
    match (utf8, classic) {
        (Ok(utf8), Ok(classic)) if utf8 == classic => Ok(utf8),
        (_, Ok(classic)) => Ok(classic),
        (Ok(utf8), Err(_)) => Ok(utf8),
        // Users know the classic grammar's words; the newer one has the better position.
        (Err(utf8), Err(classic)) => Err(ParseMatcherError { reason: classic.reason, at: utf8.at.or(classic.at) }),
    }
}

fn limit(text: &str) -> Result<(), ParseMatcherError> {
    if text.len() <= TEXT_MAX_BYTES {
        return Ok(());
    }
    bad(format!("matchers of {} bytes; at most {TEXT_MAX_BYTES} are allowed", text.len()), 0)
}

fn bad<T>(reason: String, at: usize) -> Result<T, ParseMatcherError> {
    Err(ParseMatcherError { reason, at: Some(at) })
}

fn utf8_single(text: &str) -> Result<Matcher, ParseMatcherError> {
    let mut matchers = utf8_list(text)?;
    match (matchers.pop(), matchers.len()) {
        (Some(matcher), 0) => Ok(matcher),
        (Some(_), others) => bad(format!("expected 1 matcher, found {}", others + 1), 0),
        (None, _) => bad("no matchers".to_owned(), 0),
    }
}

fn utf8_list(text: &str) -> Result<Vec<Matcher>, ParseMatcherError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut matchers = Vec::new();
    let braced = lexer.accept('{');
    while let Some(c) = lexer.peek() {
        if c == '}' {
            break;
        }
        matchers.push(lexer.matcher()?);
        match lexer.peek() {
            Some(',') => lexer.at += 1,
            Some('}') | None => break,
            Some(_) => return bad("expected a comma or close brace".to_owned(), lexer.at),
        }
    }
    match (braced, lexer.accept('}')) {
        (true, false) => return bad("expected close brace".to_owned(), lexer.at),
        (false, true) => return bad("expected opening brace".to_owned(), 0),
        (true, true) | (false, false) => {}
    }
    match lexer.peek() {
        Some(_) => bad("expected end of input".to_owned(), lexer.at),
        None => Ok(matchers),
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        let trimmed = self.rest().trim_start();
        self.at = self.text.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn accept(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn matcher(&mut self) -> Result<Matcher, ParseMatcherError> {
        let start = self.at;
        let name = self.token("label name")?;
        if name.is_empty() {
            return bad("empty label name".to_owned(), start);
        }
        let op = self.operator()?;
        self.peek();
        let value_at = self.at;
        let value = self.token("label value")?;
        Matcher::new(name, op, value).map_err(|error| ParseMatcherError { at: Some(value_at), ..error })
    }

    fn operator(&mut self) -> Result<MatcherOp, ParseMatcherError> {
        self.peek();
        let (op, length) = match self.rest().as_bytes() {
            [b'=', b'~', ..] => (MatcherOp::Matches, 2),
            [b'!', b'~', ..] => (MatcherOp::NotMatches, 2),
            [b'!', b'=', ..] => (MatcherOp::NotEqual, 2),
            [b'=', ..] => (MatcherOp::Equal, 1),
            _ => return bad("expected an operator such as '=', '!=', '=~' or '!~'".to_owned(), self.at),
        };
        self.at += length;
        Ok(op)
    }

    fn token(&mut self, what: &str) -> Result<String, ParseMatcherError> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some('"') => self.quoted(),
            Some(c) if !is_reserved(c) => {
                let length = self.rest().find(is_reserved).unwrap_or(self.rest().len());
                self.at += length;
                Ok(self.text[start..self.at].to_owned())
            }
            Some(_) | None => bad(format!("expected {what}"), start),
        }
    }

    fn quoted(&mut self) -> Result<String, ParseMatcherError> {
        let start = self.at;
        let mut escaped = false;
        for (index, c) in self.rest().char_indices().skip(1) {
            match c {
                '"' if !escaped => {
                    let inside = &self.text[start + 1..start + index];
                    self.at = start + index + 1;
                    return unquote(inside).or_else(|at| bad("invalid quoted text".to_owned(), start + 1 + at));
                }
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        bad("missing end \"".to_owned(), self.text.len())
    }
}

/// Decodes the inside of a Go string literal; the error is the byte position where it is none. Bytes written by number
/// must make UTF-8.
fn unquote(inside: &str) -> Result<String, usize> {
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(c) = rest.chars().next() {
        let at = inside.len() - rest.len();
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => return Err(at),
            '\\' => rest = escape(rest, &mut bytes).ok_or(at)?,
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to().min(inside.len()))
}

/// Decodes the escape whose backslash has been read, and appends its bytes; returns the rest.
fn escape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let (first, after) = rest.split_at_checked(1)?;
    let (byte, rest) = match first {
        "a" => (0x07, after),
        "b" => (0x08, after),
        "f" => (0x0C, after),
        "n" => (b'\n', after),
        "r" => (b'\r', after),
        "t" => (b'\t', after),
        "v" => (0x0B, after),
        "\\" => (b'\\', after),
        "\"" => (b'"', after),
        "x" => {
            let (digits, after) = digits(after, 2, 16)?;
            (u8::try_from(digits).ok()?, after)
        }
        "u" | "U" => {
            let (code, after) = digits(after, if first == "u" { 4 } else { 8 }, 16)?;
            bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" => {
            let (code, after) = digits(rest, 3, 8)?;
            (u8::try_from(code).ok()?, after)
        }
        _ => return None,
    };
    bytes.push(byte);
    Some(rest)
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(count)?;
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some((u32::from_str_radix(digits, radix).ok()?, after))
}

fn classic_list(text: &str) -> Result<Vec<Matcher>, ParseMatcherError> {
    let inner = text.strip_prefix('{').unwrap_or(text);
    let offset = text.len() - inner.len();
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut inside_quotes, mut escaped, mut start) = (false, false, 0);
    let mut matchers = Vec::new();
    for (index, c) in inner.char_indices() {
        match c {
            ',' if !inside_quotes => {
                matchers.push(classic_matcher(&inner[start..index], offset + start)?);
                start = index + 1;
            }
            '"' if !escaped => inside_quotes = !inside_quotes,
            '\\' => escaped = !escaped,
            ',' => {}
            _ => escaped = false,
        }
    }
    let last = inner[start..].trim();
    if !last.is_empty() {
        matchers.push(classic_matcher(last, offset + start)?);
    }
    Ok(matchers)
}

/// `at` is the position of the text in the whole, for the error.
fn classic_matcher(text: &str, at: usize) -> Result<Matcher, ParseMatcherError> {
    // RE2's \s, which these texts were read with.
    let trimmed = text.trim_matches(is_ascii_space);
    let name_end =
        trimmed.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(trimmed.len());
    let (name, rest) = trimmed.split_at(name_end);
    let rest = rest.trim_start_matches(is_ascii_space);
    let operators = [
        ("=~", MatcherOp::Matches),
        ("=", MatcherOp::Equal),
        ("!=", MatcherOp::NotEqual),
        ("!~", MatcherOp::NotMatches),
    ];
    let found = operators.into_iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|value| (op, value)));
    let Some((op, raw)) = found.filter(|_| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())) else {
        return bad(format!("bad matcher format: {text}"), at);
    };
    let raw = raw.trim_start_matches(is_ascii_space);
    let Some(value) = classic_value(raw) else {
        return bad(format!("matcher value contains unescaped double quote: {raw}"), at);
    };
    Matcher::new(name, op, value).map_err(|error| ParseMatcherError { at: Some(at), ..error })
}

fn is_ascii_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0C' | '\r' | ' ')
}

/// The value without its quotes and escapes; `None` for a quote in the wrong place.
fn classic_value(raw: &str) -> Option<String> {
    let (raw, mut expects_quote) = raw.strip_prefix('"').map_or((raw, false), |inner| (inner, true));
    let mut value = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        let is_last = chars.as_str().is_empty();
        match c {
            '\\' if !is_last => match chars.next()? {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                // Not an escape; the backslash is meant.
                other => value.extend(['\\', other]),
            },
            '"' if expects_quote && is_last => expects_quote = false,
            '"' => return None,
            other => value.push(other),
        }
    }
    (!expects_quote).then_some(value)
}

#[cfg(test)]
#[path = "matcher_parse_tests.rs"]
mod tests;
