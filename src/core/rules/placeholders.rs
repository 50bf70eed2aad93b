//! Texts with placeholders, as the generic channel has them: `{title}` of the notification, `{label:site}` of its
//! incident, `{secret:NAME}` of the configuration. Any other brace is plain text, so that a body may be JSON.

/// A part of such a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplatePart<'t> {
    Plain(&'t str),
    Field(NoticeField),
    /// A label of the incident; empty when it has none of that name.
    Label(&'t str),
    Secret(&'t str),
}

/// A field of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeField {
    Id,
    Notice,
    Kind,
    Title,
    Text,
    Severity,
    Priority,
    State,
    Tier,
    Team,
    Person,
    Rule,
    Reason,
    At,
    Link,
    Acknowledge,
}

impl NoticeField {
    pub const ALL: [NoticeField; 16] = [
        NoticeField::Id,
        NoticeField::Notice,
        NoticeField::Kind,
        NoticeField::Title,
        NoticeField::Text,
        NoticeField::Severity,
        NoticeField::Priority,
        NoticeField::State,
        NoticeField::Tier,
        NoticeField::Team,
        NoticeField::Person,
        NoticeField::Rule,
        NoticeField::Reason,
        NoticeField::At,
        NoticeField::Link,
        NoticeField::Acknowledge,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            NoticeField::Id => "id",
            NoticeField::Notice => "notice",
            NoticeField::Kind => "kind",
            NoticeField::Title => "title",
            NoticeField::Text => "text",
            NoticeField::Severity => "severity",
            NoticeField::Priority => "priority",
            NoticeField::State => "state",
            NoticeField::Tier => "tier",
            NoticeField::Team => "team",
            NoticeField::Person => "person",
            NoticeField::Rule => "rule",
            NoticeField::Reason => "reason",
            NoticeField::At => "at",
            NoticeField::Link => "link",
            NoticeField::Acknowledge => "acknowledge",
        }
    }
}

/// A placeholder without a meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{{{place}}} is not a place")]
pub struct BadPlaceholder {
    pub place: String,
}

/// Splits a text at its placeholders.
pub fn pieces(text: &str) -> Result<Vec<TemplatePart<'_>>, BadPlaceholder> {
    let mut pieces = Vec::new();
    let (mut plain_from, mut at) = (0, 0);
    while let Some(found) = text[at..].find('{') {
        let brace = at + found;
        at = brace + 1;
        let Some((inside, _)) = text[at..].split_once('}') else { break };
        let Some(piece) = place(inside)? else { continue };
        if plain_from < brace {
            pieces.push(TemplatePart::Plain(&text[plain_from..brace]));
        }
        pieces.push(piece);
        at += inside.len() + 1;
        plain_from = at;
    }
    if plain_from < text.len() {
        pieces.push(TemplatePart::Plain(&text[plain_from..]));
    }
    Ok(pieces)
}

/// `None`: no placeholder, such as the text between the braces of JSON.
fn place(inside: &str) -> Result<Option<TemplatePart<'_>>, BadPlaceholder> {
    let bad = || BadPlaceholder { place: inside.to_owned() };
    if let Some(name) = inside.strip_prefix("secret:") {
        return if is_secret_name(name) { Ok(Some(TemplatePart::Secret(name))) } else { Err(bad()) };
    }
    if let Some(name) = inside.strip_prefix("label:") {
        return if name.is_empty() || name.contains('{') { Err(bad()) } else { Ok(Some(TemplatePart::Label(name))) };
    }
    if inside.is_empty() || !inside.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        return Ok(None);
    }
    let field = NoticeField::ALL.into_iter().find(|field| field.as_str() == inside);
    field.map(|field| Some(TemplatePart::Field(field))).ok_or_else(bad)
}

/// Letters, digits, `-` and `_`, at most 64: safe as a file name and in the name of an environment variable.
pub fn is_secret_name(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_between_the_braces_of_json() {
        let text = r#"{"文本":"{title} 在 {label:站点}","key":"{secret:noc-1}","more":{}}"#;
        assert_eq!(
            pieces(text).unwrap(),
            [
                TemplatePart::Plain(r#"{"文本":""#),
                TemplatePart::Field(NoticeField::Title),
                TemplatePart::Plain(" 在 "),
                TemplatePart::Label("站点"),
                TemplatePart::Plain(r#"","key":""#),
                TemplatePart::Secret("noc-1"),
                TemplatePart::Plain(r#"","more":{}}"#),
            ]
        );
        assert_eq!(pieces("{").unwrap(), [TemplatePart::Plain("{")]);
        assert_eq!(pieces("").unwrap(), []);
        assert_eq!(
            pieces("{{id}}").unwrap(),
            [TemplatePart::Plain("{"), TemplatePart::Field(NoticeField::Id), TemplatePart::Plain("}")]
        );
    }

    #[test]
    fn an_unknown_place_is_a_mistake() {
        let check = |text: &str, place: &str| assert_eq!(pieces(text), Err(BadPlaceholder { place: place.to_owned() }));
        check("{titel}", "titel");
        check("{secret:../passwd}", "secret:../passwd");
        check("{secret:}", "secret:");
        check("{label:}", "label:");
    }

    #[test]
    fn every_field_is_a_place() {
        for field in NoticeField::ALL {
            assert_eq!(pieces(&format!("{{{}}}", field.as_str())).unwrap(), [TemplatePart::Field(field)]);
        }
    }
}
