//! A payload's bytes into the JSON value that expressions read, by the format that the source names.
//!
//! Every reader is bounded in depth and in the number of its values, and says where it stopped.

mod env;
mod error;
mod fields;
mod form;
mod json;
mod sparkplug;
mod text;
mod xml;

use serde_json::{Map, Value};

use super::PayloadContext;
use super::definition::Source;
use super::format::Format;
pub use error::{ParseBodyError, utf8};
pub(super) use sparkplug::Births;
pub(super) use text::{Split, TextShape};

impl Source {
    /// Reads one payload; the headers say how it is encoded where the source leaves it open.
    pub fn read(&self, payload: &[u8], context: &PayloadContext) -> Result<Value, ParseBodyError> {
        let content_type = context.headers.get("content-type").and_then(Value::as_str).unwrap_or_default();
        let format = self.format.of(content_type, payload);
        if format == Format::Form && is_multipart(content_type) {
            return form::multipart(payload, content_type).map(Value::Object);
        }
        if format == Format::Sparkplug {
            return sparkplug::read(payload, &context.topic, &self.births);
        }
        let text = self.text(payload, content_type)?;
        // collectd sends the end mark of a C text along, some Windows tools a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let trimmed = text.trim_end_matches('\0').trim();
        if trimmed.is_empty() {
            return Err(ParseBodyError::whole("the body is empty"));
        }
        let text = if format == Format::Env { text } else { trimmed };
        let mut value = match format {
            Format::Json | Format::Auto | Format::Sparkplug => json::read(self.unwrap.as_deref(), text)?,
            Format::Text => self.text_shape.read(text)?,
            Format::Form => Value::Object(form::urlencoded(text)?),
            Format::Env => Value::Object(env::read(text)?),
            Format::Xml => xml::read(text)?,
        };
        json::open(&mut value, &self.nested_json);
        Ok(value)
    }

    /// The payload as text, in the encoding that the source or else the sender names; UTF-8 without either.
    fn text<'a>(&self, payload: &'a [u8], content_type: &str) -> Result<std::borrow::Cow<'a, str>, ParseBodyError> {
        if std::str::from_utf8(payload).is_ok() {
            return Ok(String::from_utf8_lossy(payload));
        }
        let named = form::parameter(content_type, "charset").or_else(|| xml::encoding_named_in(payload));
        let named = named.and_then(|name| encoding_rs::Encoding::for_label(name.as_bytes()));
        let Some(encoding) = self.encoding.or(named).filter(|encoding| *encoding != encoding_rs::UTF_8) else {
            return error::utf8(payload).map(Into::into);
        };
        let (text, _, broken) = encoding.decode(payload);
        if broken {
            return Err(ParseBodyError::whole(format!("not a text in {}", encoding.name())));
        }
        Ok(text)
    }
}

/// The fields of a URL's query; an unreadable one has none.
pub fn query_fields(query: &str) -> Map<String, Value> {
    form::urlencoded(query).unwrap_or_default()
}

fn is_multipart(content_type: &str) -> bool {
    content_type.trim_start().to_ascii_lowercase().starts_with("multipart/")
}

#[cfg(test)]
mod tests;
