//! One message: what is posted, where to, and the key by which the service knows it when it comes twice.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest message that is read from standard input, in bytes: what the service takes.
const BODY_MAX_BYTES: u64 = 16 << 20;

/// Members of an event that an argument of that name sets; all others are labels.
const MEMBERS: [&str; 6] = ["id", "status", "severity", "summary", "occurred_at", "generator_url"];

/// What is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub head: Head,
    pub body: Vec<u8>,
}

/// What goes into the request beside its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The source that reads it; `None`: an event of watchfire's own form.
    pub source: Option<String>,
    pub content_type: String,
    /// Sent with every try, so that the service counts the message once.
    pub key: String,
    /// The machine that it is from.
    pub sent_from: String,
}

impl Message {
    pub fn new(source: Option<&str>, content_type: &str, body: Vec<u8>) -> Result<Message, String> {
        let mut bytes = [0_u8; 12];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let head =
            Head { source: source.map(str::to_owned), content_type: content_type.to_owned(), key, sent_from: host() };
        Ok(Message { head, body })
    }
}

/// What one message is made of.
pub struct Parts<'a> {
    pub fields: &'a [String],
    pub env: &'a [String],
    pub stdin_as: Option<&'a str>,
}

impl Parts<'_> {
    /// Arguments are an object, with variables of the environment all are an environment, else standard input is it.
    pub fn message(&self, source: Option<&str>) -> Result<Message, String> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for field in self.fields {
            let pair = field.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = pair.ok_or_else(|| format!("{field:?} is not NAME=VALUE"))?;
            fields.push((name.to_owned(), value.to_owned()));
        }
        if let Some(name) = self.stdin_as {
            fields.push((name.to_owned(), String::from_utf8_lossy(&stdin()?).trim_end().to_owned()));
        }
        if !self.env.is_empty() {
            if source.is_none() {
                return Err("--env goes with --source: the source says what the variables mean".to_owned());
            }
            return Message::new(source, "application/octet-stream", environment(self.env, &fields));
        }
        match (fields.is_empty(), source) {
            (true, Some(_)) => Message::new(source, "application/octet-stream", stdin()?),
            (true, None) => Message::new(None, "application/json", stdin()?),
            (false, Some(_)) => {
                let object: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, value.into())).collect();
                Message::new(source, "application/json", Value::Object(object).to_string().into_bytes())
            }
            (false, None) => Message::new(None, "application/json", event(fields)?.to_string().into_bytes()),
        }
    }
}

/// An event of watchfire's own form.
fn event(fields: Vec<(String, String)>) -> Result<Value, String> {
    let mut event = Map::new();
    let (mut labels, mut annotations) = (Map::new(), Map::new());
    for (name, value) in fields {
        if name == "value" {
            let number: f64 = value.parse().map_err(|_| format!("value={value}: expected a number"))?;
            event.insert(name, number.into());
        } else if MEMBERS.contains(&name.as_str()) {
            event.insert(name, value.into());
        } else if let Some(annotation) = name.strip_prefix("annotation.") {
            annotations.insert(annotation.to_owned(), value.into());
        } else {
            labels.insert(name, value.into());
        }
    }
    if labels.is_empty() {
        return Err("an event needs a label, such as alertname=DiskFull".to_owned());
    }
    event.insert("labels".to_owned(), labels.into());
    event.insert("annotations".to_owned(), annotations.into());
    Ok(event.into())
}

/// Variables whose names fit, and the fields, each behind the other with a NUL after it.
fn environment(patterns: &[String], fields: &[(String, String)]) -> Vec<u8> {
    let fits = |name: &str| {
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        })
    };
    let found = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    // A field of the command line counts more than a variable of its name.
    let mut all: BTreeMap<String, String> = found.filter(|(name, _)| fits(name)).collect();
    all.extend(fields.iter().cloned());
    all.iter().flat_map(|(name, value)| format!("{name}={}\0", value.replace('\0', "")).into_bytes()).collect()
}

fn stdin() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(BODY_MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input: {error}"))?;
    if bytes.len() as u64 > BODY_MAX_BYTES {
        return Err(format!("standard input is longer than {BODY_MAX_BYTES} bytes"));
    }
    if bytes.trim_ascii().is_empty() {
        return Err("nothing to send: give NAME=VALUE, --env, or something on standard input".to_owned());
    }
    Ok(bytes)
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().chars().filter(|c| c.is_ascii_graphic()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_an_event_or_an_object() {
        let message = |fields: &[&str], source: Option<&str>| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            let message = Parts { fields: &fields, env: &[], stdin_as: None }.message(source)?;
            Ok::<Value, String>(serde_json::from_slice(&message.body).unwrap())
        };
        let fields = ["alertname=A", "host=db=1", "severity=major", "value=0.5", "annotation.run=x", "status=firing"];
        let expected = json!({"labels": {"alertname": "A", "host": "db=1"}, "severity": "major", "value": 0.5,
            "annotations": {"run": "x"}, "status": "firing"});
        assert_eq!(message(&fields, None), Ok(expected));
        assert_eq!(message(&["event=Fail", "device="], Some("mdadm")), Ok(json!({"event": "Fail", "device": ""})));
        assert!(message(&["severity=major"], None).unwrap_err().contains("needs a label"));
        assert!(message(&["alertname=A", "value=many"], None).unwrap_err().contains("expected a number"));
        assert!(message(&["words"], None).unwrap_err().contains("not NAME=VALUE"));
    }

    #[test]
    fn an_environment_holds_what_was_asked_for_and_the_fields() {
        let fields = [("CARGO_PKG_NAME".to_owned(), "one\ntwo".to_owned()), ("X".to_owned(), "1".to_owned())];
        let body = environment(&["CARGO_PKG_NAM*".to_owned(), "NO_SUCH".to_owned()], &fields);
        assert_eq!(String::from_utf8(body).unwrap(), "CARGO_PKG_NAME=one\ntwo\0X=1\0");
    }
}
