//! One entry of `notify:`, of a team or a person.

use serde_saphyr::Location;

use super::reader::SectionReader;
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::syntax::team::ChannelSyntax;
use crate::core::rules::{
    AlertmanagerWebhook, BodyFormat, Channel, RequestMethod, RequestTemplate, TemplatePart, is_secret_name, pieces,
};

/// Maximum of `max_alerts`.
const ALERTS_MAX: u32 = 1_000_000;
const ADDRESSES_MAX: usize = 50;
const ADDRESS_MAX_BYTES: usize = 254;
const HEADERS_MAX: usize = 16;
/// Maximum length of a body template, in bytes.
const BODY_MAX_BYTES: usize = 16 * 1024;
/// Names of query parameters that contain keys, as tools use them.
const KEY_PARAMETERS: [&str; 6] = ["key", "access_token", "token", "secret", "password", "sign"];

/// The channels of one entry: a mail to several addresses is one channel each.
pub(super) fn channels(reader: &mut SectionReader<'_>, text: &ChannelSyntax) -> Vec<Channel> {
    let one = match text {
        ChannelSyntax::Webhook { url, format, max_alerts, send_resolved } => {
            let webhook = AlertmanagerWebhook {
                url: address(reader, url),
                max_alerts: max_alerts.as_ref().map_or(0, |count| reader.count(count, 0, ALERTS_MAX)),
                send_resolved: send_resolved.unwrap_or(true),
            };
            match format.as_ref().map(|word| (word.value.as_str(), word.referenced)) {
                Some(("alertmanager", _)) => Channel::Alertmanager(Box::new(webhook)),
                None | Some(("watchfire", _)) => {
                    if max_alerts.is_some() || send_resolved.is_some() {
                        let expected = "format: alertmanager beside it";
                        reader.mistake(url.referenced, "max_alerts or send_resolved of our own format", expected);
                    }
                    Channel::Webhook { url: webhook.url }
                }
                Some((other, at)) => {
                    reader.mistake(at, format!("{other:?} is not a format"), "watchfire or alertmanager");
                    Channel::Webhook { url: webhook.url }
                }
            }
        }
        ChannelSyntax::Mqtt { topic } => Channel::Mqtt { topic: reader.topic(topic, false) },
        ChannelSyntax::Email { to } => return mails(reader, to),
        ChannelSyntax::Wecom { url } => Channel::Wecom { url: robot(reader, url) },
        ChannelSyntax::Dingtalk { url, secret } => {
            Channel::Dingtalk { url: robot(reader, url), secret: secret.as_ref().map(|name| secret_name(reader, name)) }
        }
        ChannelSyntax::Feishu { url, secret } => {
            Channel::Feishu { url: robot(reader, url), secret: secret.as_ref().map(|name| secret_name(reader, name)) }
        }
        ChannelSyntax::Slack { url } => Channel::Slack { url: robot(reader, url) },
        ChannelSyntax::Template { method, url, headers, body, answer_has } => {
            let headers = headers.iter().flatten();
            let template = RequestTemplate {
                method: method.as_ref().and_then(|word| reader.word(word)).unwrap_or(RequestMethod::Post),
                url: address(reader, url),
                headers: headers.map(|(name, value)| header(reader, name, value)).collect(),
                body: body.as_ref().map(|body| body_text(reader, body)).unwrap_or_default(),
                answer_has: answer_has.as_ref().map(|text| reader.text(text)),
            };
            check_template(reader, url.referenced, body.as_ref(), &template);
            Channel::Template(Box::new(template))
        }
    };
    vec![one]
}

fn mails(reader: &mut SectionReader<'_>, to: &[Spanned<String>]) -> Vec<Channel> {
    if to.len() > ADDRESSES_MAX {
        reader.mistake(to[0].referenced, format!("{} addresses", to.len()), format!("at most {ADDRESSES_MAX}"));
    }
    let mail = |text: &Spanned<String>| {
        if !is_mail_address(&text.value) {
            reader.mistake(text.referenced, format!("{:?} is not a mail address", text.value), "name@host");
        }
        Channel::Email { to: text.value.clone() }
    };
    to.iter().map(mail).collect()
}

/// Checks a mail address by its form only, without any look-up.
fn is_mail_address(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;:\"\\()[]".contains(c);
    text.len() <= ADDRESS_MAX_BYTES
        && !text.contains(is_odd)
        && text.rsplit_once('@').is_some_and(|(name, host)| !name.is_empty() && !name.contains('@') && !host.is_empty())
}

/// The address of a chat robot is its password: its secret part must be a reference, not text.
fn robot(reader: &mut SectionReader<'_>, text: &Spanned<String>) -> String {
    let url = checked(reader, text);
    let names_secret =
        pieces(&url).is_ok_and(|pieces| pieces.iter().any(|piece| matches!(piece, TemplatePart::Secret(_))));
    if !names_secret {
        let expected = "…{secret:NAME}, and the key in WATCHFIRE_SECRET_NAME or in a file of secrets_dir";
        reader.mistake_unquoted(
            text.referenced,
            "a robot's address holds its key, which must not stand in a rule file",
            expected,
        );
    }
    url
}

/// The address of another service: a key in it is reported.
fn address(reader: &mut SectionReader<'_>, text: &Spanned<String>) -> String {
    let url = checked(reader, text);
    let authority =
        url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let has_password =
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') && !user.contains("{secret:"));
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let has_key = query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| {
        KEY_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) && !value.is_empty() && !value.contains("{secret:")
    });
    if has_password || has_key {
        reader.warning_unquoted(
            text.referenced,
            "a key in clear: write {secret:NAME}, and the key into WATCHFIRE_SECRET_NAME",
        );
    }
    url
}

fn checked(reader: &mut SectionReader<'_>, text: &Spanned<String>) -> String {
    let url = reader.url(text);
    let host = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    if host.rsplit_once('@').map_or(host, |(_, host)| host).contains('{') {
        reader.mistake(text.referenced, "a place in the host of a URL", "https://host/…{secret:NAME}");
    }
    places(reader, text, &url);
    url
}

fn places(reader: &mut SectionReader<'_>, text: &Spanned<String>, value: &str) {
    if let Err(bad) = pieces(value) {
        let known = crate::core::rules::NoticeField::ALL.map(|field| format!("{{{}}}", field.as_str())).join(" ");
        reader.mistake(text.referenced, bad.to_string(), format!("{known} {{label:NAME}} {{secret:NAME}}"));
    }
}

fn secret_name(reader: &mut SectionReader<'_>, name: &Spanned<String>) -> String {
    if !is_secret_name(&name.value) {
        let expected = "the name of a secret: 1 to 64 letters, digits, - and _";
        reader.mistake_unquoted(name.referenced, "this is not the name of a secret", expected);
    }
    name.value.clone()
}

fn header(reader: &mut SectionReader<'_>, name: &str, value: &Spanned<String>) -> (String, String) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_token) || value.value.contains(char::is_control) {
        reader.mistake(value.referenced, format!("{name:?} is not a header"), "Name: value");
    }
    let text = reader.text(value);
    places(reader, value, &text);
    (name.to_owned(), text)
}

fn body_text(reader: &mut SectionReader<'_>, body: &Spanned<String>) -> String {
    if body.value.len() > BODY_MAX_BYTES {
        let message = format!("a body of {} bytes", body.value.len());
        reader.mistake(body.referenced, message, format!("at most {BODY_MAX_BYTES}"));
    }
    places(reader, body, &body.value);
    body.value.clone()
}

fn check_template(
    reader: &mut SectionReader<'_>,
    at: Location,
    body: Option<&Spanned<String>>,
    template: &RequestTemplate,
) {
    if template.headers.len() > HEADERS_MAX {
        reader.mistake(at, format!("{} headers", template.headers.len()), format!("at most {HEADERS_MAX}"));
    }
    let Some(body) = body.filter(|_| template.body_format() == BodyFormat::Json) else { return };
    let Ok(pieces) = pieces(&template.body) else { return };
    let filled: String =
        pieces.iter().map(|piece| if let TemplatePart::Plain(text) = piece { text } else { "0" }).collect();
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&filled) {
        let message = format!("with its places filled the body is not JSON: {error}");
        reader.mistake(body.referenced, message, "JSON, or another Content-Type among the headers");
    }
}

#[cfg(test)]
mod tests {
    use crate::core::rules::{BodyFormat, Channel, DigestPolicy, Language, RequestMethod, RuleText, load};

    fn text(channel: &str) -> Vec<RuleText> {
        let text = format!("teams:\n  - name: 一线\n    notify:\n      - {channel}\n");
        vec![RuleText { path: "teams.yaml".to_owned(), text }]
    }

    #[test]
    fn every_kind_of_channel_is_read() {
        let check = |channel: &str, kind: &str, shown: &str| {
            let loaded = load(text(channel)).unwrap_or_else(|mistakes| panic!("{channel}: {mistakes:#?}"));
            assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
            let channels = &loaded.rulebook.teams["一线"].channels;
            let found: Vec<_> = channels.iter().map(|channel| (channel.kind(), channel.shown())).collect();
            assert_eq!(found, [(kind, shown.to_owned())]);
        };
        check(r#"wecom: {url: "https://a.example/send?key={secret:noc}"}"#, "wecom", "https://a.example/…");
        check(
            r#"dingtalk: {url: "https://a.example/?access_token={secret:a_1}", secret: b-2}"#,
            "dingtalk",
            "https://a.example/…",
        );
        check(r#"feishu: {url: "https://a.example/hook/{secret:noc}"}"#, "feishu", "https://a.example/…");
        check(r#"slack: {url: "https://a.example/{secret:noc}"}"#, "slack", "https://a.example/…");
        check("email: {to: [noc@example.com]}", "email", "noc@example.com");
        check(
            r#"webhook: {url: "https://a:{secret:noc}@b.example/?token={secret:noc}"}"#,
            "webhook",
            "https://b.example/…",
        );
        check(
            r#"template: {url: "https://a.example/{id}", body: '{"a": "{title}", "n": {tier}}'}"#,
            "template",
            "https://a.example/…",
        );
    }

    #[test]
    fn a_mail_to_several_is_a_channel_each_and_a_template_keeps_what_it_says() {
        let loaded = load(text("email: {to: [a@example.com, b@example.com]}")).unwrap();
        let channels = &loaded.rulebook.teams["一线"].channels;
        assert_eq!(channels.len(), 2);
        let channel = r#"template: {method: PUT, url: "https://a.example/", headers: {X-Key: "{secret:k}"}, body: "文本 {title}", answer_has: ok}"#;
        let loaded = load(text(channel)).unwrap();
        let Channel::Template(template) = &loaded.rulebook.teams["一线"].channels[0] else { panic!() };
        assert_eq!((template.method, template.body_format()), (RequestMethod::Put, BodyFormat::Plain));
        assert_eq!(template.headers, [("X-Key".to_owned(), "{secret:k}".to_owned())]);
        assert_eq!((template.body.as_str(), template.answer_has.as_deref()), ("文本 {title}", Some("ok")));
    }

    #[test]
    fn what_cannot_work_is_a_mistake_that_shows_no_key() {
        let check = |channel: &str, expected: &str| {
            let mistakes = load(text(channel)).err().unwrap_or_else(|| panic!("{channel} was taken"));
            let shown: String = mistakes.iter().map(|mistake| format!("{mistake:#}\n")).collect();
            assert!(shown.contains(expected), "{channel}: {shown}");
            assert!(!shown.contains("SECRETKEY"), "{shown}");
        };
        check(r#"wecom: {url: "https://a.example/send?key=SECRETKEY"}"#, "must not stand in a rule file");
        check(r#"slack: {url: "https://a.example/T0/SECRETKEY"}"#, "must not stand in a rule file");
        check(r#"dingtalk: {url: "https://a.example/{secret:n}", secret: "SECRETKEY+/="}"#, "not the name of a secret");
        check(r#"slack: {url: "https://{secret:host}/"}"#, "a place in the host");
        check("email: {to: [nobody]}", "not a mail address");
        check(r#"email: {to: ["a b@example.com"]}"#, "not a mail address");
        check(r#"template: {url: "https://a.example/{titel}"}"#, "{titel} is not a place");
        check(r#"template: {url: "https://a.example/", body: '{"a": {title}x}'}"#, "the body is not JSON");
        check(r#"template: {url: "https://a.example/", method: PATCH}"#, "PATCH");
        check(r#"template: {url: "https://a.example/", headers: {"a b": c}}"#, "is not a header");
        check("sms: {to: 1}", "sms");
    }

    #[test]
    fn a_key_in_clear_is_warned_of_without_showing_it() {
        for channel in [
            r#"webhook: {url: "https://a.example/?token=SECRETKEY"}"#,
            r#"webhook: {url: "https://noc:SECRETKEY@a.example/"}"#,
            r#"template: {url: "https://a.example/?Key=SECRETKEY"}"#,
        ] {
            let loaded = load(text(channel)).unwrap();
            let shown: String = loaded.warnings.iter().map(|warning| format!("{warning:#}\n")).collect();
            assert!(shown.contains("a key in clear") && !shown.contains("SECRETKEY"), "{channel}: {shown}");
        }
    }

    #[test]
    fn language_and_digest_are_the_teams() {
        let rules = "teams:\n  - {name: a, language: zh, digest: {above: 3, every: 1m}}\n  - {name: b}\n";
        let loaded = load(vec![RuleText { path: "x.yaml".to_owned(), text: rules.to_owned() }]).unwrap();
        let (a, b) = (&loaded.rulebook.teams["a"], &loaded.rulebook.teams["b"]);
        let standard = DigestPolicy::STANDARD;
        let every = crate::core::model::TimeDelta::from_minutes(1);
        assert_eq!((a.language, a.digest), (Language::Zh, Some(DigestPolicy { above: 3, every, ..standard })));
        assert_eq!((b.language, b.digest), (Language::En, None));
    }
}
