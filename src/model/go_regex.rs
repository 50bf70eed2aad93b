//! Go's RE2 spelling into the regex crate's: the two differ in few places, and those few must not change a match.

use std::borrow::Cow;

/// `\d \w \s \b` are ASCII in Go and Unicode in Rust; `\Q…\E` and `\z` forms exist only in Go. Everything else is equal.
pub(super) fn to_rust(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains('\\') {
        return Cow::Borrowed(pattern);
    }
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut in_class = false;
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('Q') => out.push_str(&quoted(&mut rest)),
                Some(escape) => push_escape(&mut out, escape, in_class),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push(c);
            }
            ']' if in_class => {
                in_class = false;
                out.push(c);
            }
            // Inside a class Go takes these as themselves; Rust would read a nested class or an operator.
            '[' | '&' | '~' if in_class && !rest.as_str().starts_with(':') => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

fn quoted(rest: &mut std::str::Chars<'_>) -> String {
    let text = rest.as_str();
    let (literal, after) = text.split_once("\\E").unwrap_or((text, ""));
    let escaped = regex::escape(literal);
    *rest = after.chars();
    escaped
}

fn push_escape(out: &mut String, escape: char, in_class: bool) {
    let ascii = match (escape, in_class) {
        ('d', false) => "[0-9]",
        ('D', false) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('W', false) => "[^0-9A-Za-z_]",
        ('s', false) => r"[\t\n\f\r ]",
        ('S', false) => r"[^\t\n\f\r ]",
        ('b', false) => r"(?-u:\b)",
        ('B', false) => r"(?-u:\B)",
        ('d', true) => "0-9",
        ('w', true) => "0-9A-Za-z_",
        ('s', true) => r"\t\n\f\r ",
        (other, _) => {
            out.push('\\');
            out.push(other);
            return;
        }
    };
    out.push_str(ascii);
}

#[cfg(test)]
mod tests {
    use crate::model::{Matcher, MatcherOp};

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        let check = |pattern: &str, value: &str, expected: bool| {
            let matcher = Matcher::new("x", MatcherOp::Matches, pattern).unwrap();
            assert_eq!(matcher.matches_value(value), expected, "{pattern} on {value:?}");
        };
        check("GZ.*", "GZ01", true);
        check("GZ", "GZ01", false);
        check(r"\d+", "42", true);
        check(r"\d+", "٤٢", false);
        check(r"\w+", "广州", false);
        check(r"[\w.-]+", "a.b-c", true);
        check(r"\Qa.b\E.*", "a.bc", true);
        check(r"\Qa.b\E.*", "axbc", false);
        check(r"a.c", "a\nc", false);
        check(r"广.", "广州", true);
        check(r"[[]x", "[x", true);
        check(r"\bGZ\b", "GZ", true);
        assert!(Matcher::new("x", MatcherOp::Matches, "(").is_err());
        assert!(Matcher::new("x", MatcherOp::Matches, "((a{0,1000}){0,1000}){0,1000}").is_err());
    }
}
