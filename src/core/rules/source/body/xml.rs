//! XML as the object that it would be in JSON: elements are members, those of one name a list, attributes `@name`.
//!
//! An element that holds nothing but text is that text; beside attributes the text is the member `#text`. Prefixes of
//! names are dropped. Entities that the document itself declares are not expanded.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

use super::ParseBodyError;

/// How deep elements may nest.
const DEPTH_MAX: usize = 64;
/// How many elements and attributes a document may have.
const NODES_MAX: usize = 100_000;

pub(super) fn read(text: &str) -> Result<Value, ParseBodyError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<XmlElement> = vec![XmlElement::default()];
    let mut nodes = 0_usize;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let bad = |reason: String| ParseBodyError::at_byte(reason, text.as_bytes(), at);
        let event = reader.read_event().map_err(|error| bad(format!("not well-formed XML: {error}")))?;
        match event {
            Event::Start(start) => {
                open.push(XmlElement::begun(&start, &mut nodes).map_err(bad)?);
                if open.len() > DEPTH_MAX {
                    return Err(bad(format!("elements nest deeper than {DEPTH_MAX}")));
                }
            }
            Event::Empty(start) => {
                let element = XmlElement::begun(&start, &mut nodes).map_err(bad)?;
                parent(&mut open, bad)?.add(element);
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| bad("an end without a beginning".to_owned()))?;
                parent(&mut open, bad)?.add(element);
            }
            Event::Text(piece) => parent(&mut open, bad)?.text.push_str(&piece.xml10_content()),
            Event::CData(piece) => parent(&mut open, bad)?.text.push_str(&piece.xml10_content()),
            Event::GeneralRef(reference) => {
                let piece = unescape(&format!("&{};", &*reference)).map(|piece| piece.into_owned());
                let piece = piece.map_err(|error| bad(format!("not well-formed XML: {error}")))?;
                parent(&mut open, bad)?.text.push_str(&piece);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
        if nodes > NODES_MAX {
            return Err(bad(format!("more than {NODES_MAX} elements")));
        }
    }
    match <[XmlElement; 1]>::try_from(open) {
        Ok([document]) if !document.members.is_empty() => Ok(Value::Object(document.members)),
        Ok(_) => Err(ParseBodyError::whole("no XML element in it")),
        Err(open) => Err(ParseBodyError::whole(format!(
            "the element {:?} does not end",
            open.last().map(|one| one.name.as_str()).unwrap_or_default()
        ))),
    }
}

/// The encoding in a document's first line, `<?xml version="1.0" encoding="GB2312"?>`.
pub(super) fn encoding_named_in(payload: &[u8]) -> Option<&str> {
    let line = payload.strip_prefix(b"<?xml")?;
    let line = std::str::from_utf8(&line[..line.iter().position(|byte| *byte == b'>')?]).ok()?;
    line.split_once("encoding=")?.1.split(['"', '\'']).nth(1)
}

/// An element whose end has not come yet; the first stands for the document.
#[derive(Debug, Default)]
struct XmlElement {
    name: String,
    members: Map<String, Value>,
    text: String,
}

impl XmlElement {
    fn begun(start: &BytesStart<'_>, nodes: &mut usize) -> Result<XmlElement, String> {
        let name = start.local_name();
        let mut element = XmlElement { name: AsRef::<str>::as_ref(&name).to_owned(), ..XmlElement::default() };
        *nodes += 1;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| format!("not well-formed XML: {error}"))?;
            let value = unescape(&attribute.value).map_err(|error| format!("not well-formed XML: {error}"))?;
            let name = attribute.key.local_name();
            element.members.insert(format!("@{}", AsRef::<str>::as_ref(&name)), Value::String(value.into_owned()));
            *nodes += 1;
        }
        Ok(element)
    }

    fn add(&mut self, child: XmlElement) {
        let XmlElement { name, mut members, text } = child;
        let text = text.trim();
        let value = if members.is_empty() {
            Value::String(text.to_owned())
        } else {
            if !text.is_empty() {
                members.insert("#text".to_owned(), Value::String(text.to_owned()));
            }
            Value::Object(members)
        };
        match self.members.get_mut(&name) {
            None => {
                self.members.insert(name, value);
            }
            Some(Value::Array(several)) => several.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
}

fn parent(open: &mut [XmlElement], bad: impl Fn(String) -> ParseBodyError) -> Result<&mut XmlElement, ParseBodyError> {
    open.last_mut().ok_or_else(|| bad("an end without a beginning".to_owned()))
}
