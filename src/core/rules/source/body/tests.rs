//! What each format makes of bytes, and what it says of bytes that are not of it.

use serde_json::{Value, json};

use crate::core::rules::source::{PayloadContext, Source, SourceSyntax};

fn read(keys: &str, content_type: &str, body: &[u8]) -> Result<Value, String> {
    let text = format!("name: acme\n{keys}\nlabels: {{a: item.a}}\n");
    let text: SourceSyntax = serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{text}\n{why}"));
    let source = Source::compile(text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let headers = json!({"content-type": content_type});
    let context = PayloadContext { topic: String::new(), headers, query: json!({}) };
    source.read(body, &context).map_err(|bad| bad.to_string())
}

fn check(keys: &str, content_type: &str, body: &[u8], expected: Value) {
    assert_eq!(read(keys, content_type, body), Ok(expected), "{keys}: {:?}", String::from_utf8_lossy(body));
}

fn refused(keys: &str, content_type: &str, body: &[u8], piece: &str) {
    let why = read(keys, content_type, body).expect_err(piece);
    assert!(why.contains(piece), "{why}");
}

#[test]
fn an_environment_between_nuls_holds_any_value_and_forges_nothing() {
    let env = "format: env";
    check(
        env,
        "",
        b"A=one\nSTATE=UP\0STATE=DOWN\0BASH_FUNC_x%%=() { :; }\0",
        json!({"A": "one\nSTATE=UP", "STATE": "DOWN"}),
    );
    check(env, "", b"A=1\0", json!({"A": "1"}));
    check(env, "", b"A=1\nB=two\nlines", json!({"A": "1", "B": "two\nlines"}));
    // Whichever of the two is the forged one: neither is believed.
    refused(env, "", b"A=one\nSTATE=UP\nSTATE=DOWN\n", "STATE stands twice");
    refused(env, "", b"STATE=DOWN\nA=one\nSTATE=UP\n", "at line 3, column 1");
    refused(env, "", b"\0\0", "the body is empty");
    refused(env, "", b"x\0y\0", "between NULs");
}

#[test]
fn xml_is_read_as_what_it_would_be_in_json() {
    let xml = "format: xml";
    let body = br#"<?xml version="1.0"?><!-- c --><s:alarms xmlns:s="urn:x"><s:alarm id="7"><host>db&#45;01</host><text>a &lt; b
</text><tag>x</tag><tag>y</tag><empty/></s:alarm></s:alarms>"#;
    let expected = json!({"alarms": {"@s": "urn:x", "alarm": {"@id": "7", "host": "db-01", "text": "a < b", "tag": ["x", "y"], "empty": ""}}});
    check(xml, "", body, expected);
    check(xml, "", b"<a b='1'>text<![CDATA[ <x> ]]></a>", json!({"a": {"@b": "1", "#text": "text <x>"}}));
    let (gbk, _, _) = encoding_rs::GBK.encode("<?xml version=\"1.0\" encoding=\"GB2312\"?><a>主机</a>");
    check(xml, "", &gbk, json!({"a": "主机"}));
    refused(xml, "", b"<a><b></a>", "not well-formed XML");
    refused(xml, "", b"<a><b>", "\"b\" does not end");
    refused(xml, "", b"words", "no XML element");
    refused(xml, "", b"<!DOCTYPE a [<!ENTITY l 'x'>]><a>&l;</a>", "not well-formed XML");
    refused(xml, "", "<a>".repeat(100).as_bytes(), "deeper than 64");
    refused(xml, "", format!("<r>{}</r>", "<a/>".repeat(100_001)).as_bytes(), "more than 100000 elements");
}

#[test]
fn forms_are_read_in_both_encodings() {
    let kind = "multipart/form-data; boundary=\"b-1\"";
    let body = b"--b-1\r\nContent-Disposition: form-data; name=\"host\"\r\n\r\ndb-01\r\n--b-1\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n\r\n\xff\xd8\r\n--b-1\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\ntwo\r\nlines\r\n--b-1--\r\n";
    check("format: form", kind, body, json!({"host": "db-01", "text": "two\r\nlines"}));
    check("format: form", "application/x-www-form-urlencoded", b"a=1+2&b=%E5%B9%BF", json!({"a": "1 2", "b": "广"}));
    refused("format: form", "multipart/form-data", body, "names its boundary");
    refused(
        "format: form",
        kind,
        b"--b-1\r\nContent-Disposition: form-data; name=\"host\"\r\n\r\ndb-01",
        "does not end",
    );
}

#[test]
fn auto_reads_what_the_payload_looks_like() {
    let form = "application/x-www-form-urlencoded";
    for kind in ["application/json; charset=utf-8", "", form] {
        check("format: auto", kind, b"{\"a\": 1}", json!({"a": 1}));
        check("format: auto", kind, b"[1]", json!([1]));
        check("format: auto", kind, b"<a>1</a>", json!({"a": "1"}));
        check("format: auto", kind, b"a=1&b=2%203", json!({"a": "1", "b": "2 3"}));
        check("format: auto", kind, b"a=1&b=2\0b=3\0", json!({"a": "1&b=2", "b": "3"}));
        check("format: auto", kind, b"a=1\nb=3\n", json!({"a": "1", "b": "3"}));
    }
    refused("format: auto", "text/plain", b"words", "not valid JSON");
}

#[test]
fn json_may_come_in_lines_and_inside_texts() {
    check("format: json", "", b"{\"a\": 1}\n{\"a\": 2}\n", json!([{"a": 1}, {"a": 2}]));
    refused("format: json", "", b"{\"a\": 1}\n{\"a\": ", "at line 2");
    refused("format: json", "", b"1 2", "trailing characters");
    let nested = "nested_json: [Message]";
    check(
        nested,
        "",
        br#"{"r": [{"Message": "{\"a\": \"{}\"}"}], "Message": "words"}"#,
        json!({"r": [{"Message": {"a": "{}"}}], "Message": "words"}),
    );
}

#[test]
fn texts_are_cut_and_read_by_their_patterns() {
    let keys = "format: text\nsplit: lines\npatterns: ['^(?P<host>\\S+) is (?P<what>\\S+)$', '^(?P<what>\\S+)!']";
    check(
        keys,
        "",
        b"db-01 is down\n\nhelp!\nwords\n",
        json!([
        {"text": "db-01 is down", "host": "db-01", "what": "down"}, {"text": "help!", "what": "help"}, {"text": "words"}]),
    );
    let pairs = "format: text\npairs: '(?m)^(?P<name>\\S+) = (?P<value>.*)$'";
    check(
        pairs,
        "",
        b"head\n.1.3 = \"x\"\n.1.4 = 7 \n",
        json!({"text": "head\n.1.3 = \"x\"\n.1.4 = 7", "pairs": {".1.3": "\"x\"", ".1.4": "7"}}),
    );
    let syslog = "format: text\nsplit: syslog";
    check(
        syslog,
        "",
        "16 <1>1 - - - - - -23 <1>1 - - - - - - hell\u{f8}".as_bytes(),
        json!(["<1>1 - - - - - -", "<1>1 - - - - - - hell\u{f8}"]),
    );
    check(syslog, "", b"28 <1>3 - - - - - - hello\nworld", json!(["<1>3 - - - - - - hello\nworld"]));
    check(syslog, "", b"<1>a\n<2>b\n", json!(["<1>a", "<2>b"]));
    check(syslog, "", b"99 <1>cut short", json!(["<1>cut short"]));
}

#[test]
fn a_text_that_is_not_utf8_is_read_in_the_encoding_that_is_named() {
    let (gbk, _, _) = encoding_rs::GBK.encode("主机宕机");
    check("format: text", "text/plain; charset=GBK", &gbk, json!("主机宕机"));
    check("format: text\nencoding: gbk", "", &gbk, json!("主机宕机"));
    check("format: text\nencoding: gbk", "", "主机宕机".as_bytes(), json!("主机宕机"));
    refused("format: text", "text/plain", &gbk, "not UTF-8: byte 0");
}
