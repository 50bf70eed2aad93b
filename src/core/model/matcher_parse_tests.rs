//! The results of each grammar, and the choice between the two.

use proptest::prelude::*;

use super::{classic_list, utf8_list};
use crate::core::model::{Matcher, MatcherOp, Matchers, ParseMatcherError};

/// The matchers as `name|op|value`, or the reason.
fn shown(result: Result<Vec<Matcher>, ParseMatcherError>) -> Result<Vec<String>, String> {
    result
        .map(|matchers| {
            matchers
                .iter()
                .map(|matcher| format!("{}|{}|{}", matcher.name(), matcher.op().as_str(), matcher.value()))
                .collect()
        })
        .map_err(|bad| bad.reason)
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(shown(Matchers::parse(text).map(|list| list.0)), Ok(owned(expected)), "{text}");
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn check_bad(text: &str, reason: &str, at: usize) {
    let bad = Matchers::parse(text).expect_err(text);
    assert!(bad.reason.contains(reason), "{text}: {}", bad.reason);
    assert_eq!(bad.at, Some(at), "{text}: {}", bad.reason);
}

#[test]
fn lists_with_and_without_braces_read_alike() {
    check("", &[]);
    check("{}", &[]);
    check(" { } ", &[]);
    check("foo=bar", &["foo|=|bar"]);
    check("{foo=bar}", &["foo|=|bar"]);
    check(r#"foo="bar""#, &["foo|=|bar"]);
    check(r#"{ foo = "bar" , bar =~ "b.*", }"#, &["foo|=|bar", "bar|=~|b.*"]);
    check(r#"alertname="LinkDown", site=~"GZ.*""#, &["alertname|=|LinkDown", "site|=~|GZ.*"]);
    check(r#"a!="1",b!~"2""#, &["a|!=|1", "b|!~|2"]);
    check("foo:bar_1=x", &["foo:bar_1|=|x"]);
}

#[test]
fn names_beyond_ascii_and_values_without_quotes_are_read() {
    check(r#"{name-with-dashes="bar"}"#, &["name-with-dashes|=|bar"]);
    check(r#"机房="广州三楼""#, &["机房|=|广州三楼"]);
    check("机房=~广州.*", &["机房|=~|广州.*"]);
    check(r#""with space"="x""#, &["with space|=|x"]);
    check(r#"{"a\"b"="\u5e7f\x41\101\t"}"#, &["a\"b|=|广AA\t"]);
    check("foo=\"\u{1F642}\"", &["foo|=|\u{1F642}"]);
    check(r#"{foo="bar,qux"}"#, &["foo|=|bar,qux"]);
}

#[test]
fn where_the_grammars_disagree_the_older_one_wins() {
    // Only the classic grammar reads these.
    check("foo=", &["foo|=|"]);
    check("{foo=,bar=x}", &["foo|=|", "bar|=|x"]);
    check("{foo=bar}}", &["foo|=|bar}"]);
    check(r#"trickier==\\=\=\""#, &[r#"trickier|=|=\=\=""#]);
    check("foo=bar baz", &["foo|=|bar baz"]);
    check("foo=!bar", &["foo|=|!bar"]);
    check("foo=\"a\nb\"", &["foo|=|a\nb"]);
    check(r#"foo=bar\"#, &[r"foo|=|bar\"]);
    // Both read these, but differently.
    check(r#"foo="\t""#, &[r"foo|=|\t"]);
    check(r#"foo="\d+""#, &[r"foo|=|\d+"]);
    check(r#"foo=~"\x41""#, &[r"foo|=~|\x41"]);
    assert_eq!(shown(utf8_list(r#"foo="\t""#)), Ok(owned(&["foo|=|\t"])));
}

#[test]
fn what_neither_reads_is_refused_with_the_place() {
    check_bad("foo", "bad matcher format: foo", 3);
    check_bad("{foo", "bad matcher format: foo", 4);
    check_bad(",", "bad matcher format: ", 0);
    check_bad("foo=bar,,baz=qux", "bad matcher format: ", 8);
    check_bad("广=\"a\" 州", "bad matcher format", 8);
    check_bad(r#"foo="bar"#, "unescaped double quote", 8);
    check_bad(r#"foo="ba"r""#, "unescaped double quote", 8);
    check_bad(r#"foo=~"(""#, "bad regular expression", 5);
    check_bad(r#"""="x""#, "bad matcher format", 0);
    check_bad(r#""a b"="\xff""#, "bad matcher format", 7);
    check_bad("1foo=\"b\nar\"", "bad matcher format", 7);
    check_bad(&"a=b,".repeat(20_000), "at most 65536", 0);
}

#[test]
fn each_grammar_has_its_own_limits() {
    let check = |text: &str, utf8: Result<&[&str], &str>, classic: Result<&[&str], &str>| {
        let expected = |expected: Result<&[&str], &str>| expected.map(owned).map_err(str::to_owned);
        assert_eq!(shown(utf8_list(text)), expected(utf8), "{text} in UTF-8");
        assert_eq!(shown(classic_list(text)), expected(classic), "{text} in classic");
    };
    check("foo=", Err("expected label value"), Ok(&["foo|=|"]));
    check("foo=bar}", Err("expected opening brace"), Ok(&["foo|=|bar"]));
    check("{foo=bar", Err("expected close brace"), Ok(&["foo|=|bar"]));
    check("{foo=bar} x", Err("expected end of input"), Ok(&["foo|=|bar} x"]));
    check("foo=bar bar=baz", Err("expected a comma or close brace"), Ok(&["foo|=|bar bar=baz"]));
    check("foo-bar=x", Ok(&["foo-bar|=|x"]), Err("bad matcher format: foo-bar=x"));
    check("{,}", Err("expected label name"), Err("bad matcher format: "));
    check(r#"foo="\q""#, Err("invalid quoted text"), Ok(&[r"foo|=|\q"]));
    check("foo!x", Err("expected an operator such as '=', '!=', '=~' or '!~'"), Err("bad matcher format: foo!x"));
}

#[test]
fn where_one_matcher_is_wanted_braces_and_lists_are_refused() {
    assert_eq!(Matcher::parse(r#" site =~ "GZ.*" "#), Matcher::new("site", MatcherOp::Matches, "GZ.*"));
    assert_eq!(Matcher::parse("foo="), Matcher::new("foo", MatcherOp::Equal, ""));
    for text in [r#"{a="b"}"#, "{a=b", "a=b}", "", "a"] {
        assert!(Matcher::parse(text).is_err(), "{text}");
    }
    assert!(Matcher::parse(r#"a="1",b="2""#).unwrap_err().reason.contains("unescaped double quote"));
    // As Alertmanager does: one value for the older grammar.
    assert_eq!(Matcher::parse("a=1,b=2"), Matcher::new("a", MatcherOp::Equal, "1,b=2"));
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "\\", "\"", "\n", "\t", ",", "{", "}", "=", "~", "!", " ", "'", "`", "n", "x41", "\u{0}"
        ])
        .prop_map(str::to_owned),
        proptest::sample::select(vec!["广州", "GZ01", "\u{1F642}", "\u{3000}", "\u{a0}", "é", "alert"])
            .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(
        parts in proptest::collection::vec((any_text(), any::<bool>(), any_text()), 0..4),
    ) {
        let op = |negative: bool| if negative { MatcherOp::NotEqual } else { MatcherOp::Equal };
        let matchers: Vec<Matcher> = parts
            .into_iter()
            .filter(|(name, _, _)| !name.is_empty())
            .map(|(name, negative, value)| Matcher::new(name, op(negative), value).unwrap())
            .collect();
        for matcher in &matchers {
            prop_assert_eq!(&Matcher::parse(&matcher.to_string()).unwrap(), matcher);
        }
        let list = Matchers(matchers);
        prop_assert_eq!(&Matchers::parse(&list.to_string()).unwrap(), &list);
        prop_assert_eq!(&Matchers::parse(&format!("{{{list}}}")).unwrap(), &list);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in any_text()) {
        let _ = Matchers::parse(&text);
        let _ = Matcher::parse(&text);
    }
}
