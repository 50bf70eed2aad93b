//! Conversion of Go's RE2 spelling into the regex crate's: the two differ in few places, and those few must not change
//! a match.

use regex::Regex;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::matcher_error::ParseMatcherError;

/// Maximum length of a pattern, and of its automaton: limits on the work that a person's pattern can cause.
const PATTERN_MAX_BYTES: usize = 4096;
const AUTOMATON_MAX_BYTES: usize = 1 << 20;
/// Maximum number of texts that a pattern may spell out for an index.
const SPELLED_OUT_MAX: usize = 64;

/// A pattern in Go's spelling that may match anywhere in a text.
pub(crate) fn search_regex(pattern: &str) -> Result<Regex, ParseMatcherError> {
    build(pattern, &to_rust(pattern))
}

/// A pattern in Go's spelling that must match the whole text, as Alertmanager's matchers do.
pub(super) fn anchored_regex(pattern: &str) -> Result<Regex, ParseMatcherError> {
    build(pattern, &format!("^(?:{})$", to_rust(pattern)))
}

/// All texts that an anchored pattern fits, if it spells them out and they are few: `GZ01|GZ02`, `(?:sw|rt)-[12]`.
pub(super) fn spelled_out(pattern: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(&to_rust(pattern)).ok()?;
    if !hir.properties().look_set().is_empty() || hir.properties().maximum_len().is_none() {
        return None;
    }
    let literals = Extractor::new().limit_total(SPELLED_OUT_MAX).extract(&hir);
    if !literals.is_exact() {
        return None;
    }
    let mut texts = Vec::new();
    for literal in literals.literals()? {
        texts.push(std::str::from_utf8(literal.as_bytes()).ok()?.to_owned());
    }
    texts.sort_unstable();
    texts.dedup();
    Some(texts)
}

/// How many bytes every match of a pattern is sure to spell out: 2 of `GZ.*`, 3 of `广.*`, 0 of `.+` and of `GZ.*|.+`.
pub(super) fn sure_bytes(pattern: &str) -> usize {
    regex_syntax::parse(&to_rust(pattern)).map_or(0, |hir| sure_in(&hir))
}

fn sure_in(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len(),
        // One letter in both cases is a class too.
        HirKind::Class(class) => usize::from(is_few(class)),
        HirKind::Repetition(repetition) => sure_in(&repetition.sub).saturating_mul(repetition.min as usize),
        HirKind::Capture(capture) => sure_in(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(sure_in).sum(),
        HirKind::Alternation(parts) => parts.iter().map(sure_in).min().unwrap_or_default(),
    }
}

fn is_few(class: &Class) -> bool {
    const FEW: u32 = 4;
    let size: u32 = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| range.end() as u32 - range.start() as u32 + 1).sum(),
        Class::Bytes(class) => class.ranges().iter().map(|range| u32::from(range.end() - range.start()) + 1).sum(),
    };
    size <= FEW
}

fn build(pattern: &str, translated: &str) -> Result<Regex, ParseMatcherError> {
    if pattern.len() > PATTERN_MAX_BYTES {
        let reason = format!("regular expression of {} bytes; at most {PATTERN_MAX_BYTES} are allowed", pattern.len());
        return Err(ParseMatcherError { reason, at: None });
    }
    regex::RegexBuilder::new(translated).size_limit(AUTOMATON_MAX_BYTES).build().map_err(|error| {
        let last = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        let last = last.strip_prefix("error: ").unwrap_or(&last);
        ParseMatcherError { reason: format!("bad regular expression {pattern:?}: {last}"), at: None }
    })
}

/// `\d \w \s \b` are ASCII in Go and Unicode in Rust; `\Q…\E`, a brace that repeats nothing and operators inside a class
/// are plain text in Go. Everything else is equal.
fn to_rust(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('Q') => out.push_str(&quoted(&mut rest)),
                Some(escape) => push_escape(&mut out, escape),
                None => out.push('\\'),
            },
            '[' => push_class(&mut out, &mut rest),
            '{' if !is_repetition(rest.as_str()) => out.push_str(r"\{"),
            other => out.push(other),
        }
    }
    out
}

/// True if the text after the brace is `n}`, `n,}` or `n,m}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && is_number(low) && is_number(high)
}

fn quoted(rest: &mut std::str::Chars<'_>) -> String {
    let text = rest.as_str();
    let (literal, after) = text.split_once("\\E").unwrap_or((text, ""));
    *rest = after.chars();
    regex::escape(literal)
}

fn push_escape(out: &mut String, escape: char) {
    let ascii = match escape {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => r"[\t\n\f\r ]",
        'S' => r"[^\t\n\f\r ]",
        'b' => r"(?-u:\b)",
        'B' => r"(?-u:\B)",
        other => {
            out.push('\\');
            out.push(other);
            return;
        }
    };
    out.push_str(ascii);
}

/// A class up to its end. A bracket right at the start is a member; `[:alpha:]` stays; `[`, `&&`, `~~` and a second `-`
/// are members in Go and operators in Rust.
fn push_class(out: &mut String, rest: &mut std::str::Chars<'_>) {
    out.push('[');
    if rest.as_str().starts_with('^') {
        rest.next();
        out.push('^');
    }
    if rest.as_str().starts_with(']') {
        rest.next();
        out.push_str(r"\]");
    }
    let mut last = None;
    while let Some(c) = rest.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => match rest.next() {
                // Nested classes mean in Rust what the shorthand means in Go.
                Some(escape) => push_escape(out, escape),
                None => out.push('\\'),
            },
            '[' if rest.as_str().starts_with(':') && rest.as_str().contains(":]") => {
                let end = rest.as_str().find(":]").map_or(0, |at| at + 2);
                out.push('[');
                out.push_str(&rest.as_str()[..end]);
                *rest = rest.as_str()[end..].chars();
            }
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if last == Some('-') => out.push_str(r"\-"),
            other => out.push(other),
        }
        last = Some(c);
    }
}

#[cfg(test)]
mod tests {
    use super::search_regex;
    use crate::core::model::{Matcher, MatcherOp};

    fn check(pattern: &str, value: &str, expected: bool) {
        let matcher = Matcher::new("x", MatcherOp::Matches, pattern).unwrap();
        assert_eq!(matcher.matches_value(value), expected, "{pattern} on {value:?}");
    }

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        check("GZ.*", "GZ01", true);
        check("GZ", "GZ01", false);
        check("GZ|SZ", "SZ", true);
        check("GZ|SZ", "GZSZ", false);
        check(r"\d+", "42", true);
        check(r"\d+", "٤٢", false);
        check(r"\D+", "٤٢", true);
        check(r"\w+", "广州", false);
        check(r"\W+", "广州", true);
        check(r"a.c", "a\nc", false);
        check(r"广.", "广州", true);
        check(r"\bGZ\b", "GZ", true);
        check(r"(?i)gz", "GZ", true);
    }

    #[test]
    fn classes_hold_what_they_hold_in_go() {
        check(r"[\w.-]+", "a.b-c", true);
        check(r"[\w.-]+", "广", false);
        check(r"[\D]", "٤", true);
        check("[[]x", "[x", true);
        check("[]x]+", "]x", true);
        check("[^]x]+", "ab", true);
        check("[^]x]+", "]", false);
        check("[a&&b]+", "a&b", true);
        check("[a~~b]+", "a~b", true);
        check("[[:alpha:]]+", "ab", true);
        check("[[:alpha:]]+", "广", false);
        check("[+--]+", ",", true);
    }

    #[test]
    fn plain_text_of_go_stays_plain_text() {
        check(r"\Qa.b\E.*", "a.bc", true);
        check(r"\Qa.b\E.*", "axbc", false);
        check("a{", "a{", true);
        check("a{x}", "a{x}", true);
        check("a{2}", "aa", true);
        check("a{1,}", "aaa", true);
        check("{{.*}}", "{{ x }}", true);
    }

    #[test]
    fn what_is_no_pattern_or_too_large_is_refused() {
        for pattern in ["(", "a**b(", "[a", "((a{0,1000}){0,1000}){0,1000}", r"(?=x)"] {
            assert!(Matcher::new("x", MatcherOp::Matches, pattern).is_err(), "{pattern}");
        }
        assert!(Matcher::new("x", MatcherOp::Matches, "x".repeat(5000)).is_err());
    }

    #[test]
    fn a_searched_pattern_matches_anywhere() {
        assert!(search_regex("链路.*断").unwrap().is_match("核心链路已中断。"));
        assert!(!search_regex("^断").unwrap().is_match("中断"));
    }
}
