//! How a payload's bytes are read.

/// The format of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON value, or objects behind one another.
    Json,
    /// Text, cut and read by patterns where the source has them.
    Text,
    /// `application/x-www-form-urlencoded` or `multipart/form-data`: an object of texts.
    Form,
    /// `NAME=value` between NULs, as `env -0` prints them, or in lines: an object of texts.
    Env,
    /// XML: elements are members, attributes `@name`.
    Xml,
    /// JSON, XML, a form or an environment, as it looks.
    Auto,
    /// Sparkplug B's protobuf, of which the topic says what it is.
    Sparkplug,
}

impl Format {
    pub const ALL: [Format; 7] =
        [Format::Json, Format::Text, Format::Form, Format::Env, Format::Xml, Format::Auto, Format::Sparkplug];

    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Text => "text",
            Format::Form => "form",
            Format::Env => "env",
            Format::Xml => "xml",
            Format::Auto => "auto",
            Format::Sparkplug => "sparkplug",
        }
    }

    /// The format of one payload: what it begins with decides, then its Content-Type, since curl calls everything a form.
    pub(super) fn of(self, content_type: &str, payload: &[u8]) -> Format {
        match self {
            Format::Json | Format::Text | Format::Form | Format::Env | Format::Xml | Format::Sparkplug => self,
            Format::Auto => {
                let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                let begins = payload.trim_ascii_start();
                let begins = begins.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begins);
                match begins.first() {
                    _ if kind.starts_with("multipart/") => Format::Form,
                    Some(b'{' | b'[') => Format::Json,
                    Some(b'<') => Format::Xml,
                    Some(_) if payload.contains(&0) || payload.trim_ascii().contains(&b'\n') => Format::Env,
                    Some(_) if payload.contains(&b'=') => Format::Form,
                    Some(_) | None => Format::Json,
                }
            }
        }
    }
}
