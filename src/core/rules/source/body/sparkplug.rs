//! Sparkplug B (Eclipse Sparkplug 3.0): protobuf on topics that say what it is, and what a node's birth tells about later messages.
//!
//! A birth names its metrics once, with numbers (aliases) that stand for them afterwards, and the number of its session
//! (bdSeq). A death of another session than the newest birth's came late: the node lives, and the death is marked stale.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prost::Message;
use serde_json::{Map, Value, json};

use super::error;
use super::error::ParseBodyError;
use super::fields::FIELDS_MAX;

/// How many nodes are remembered; the oldest name in the alphabet goes for another.
const NODES_MAX: usize = 10_000;
/// The metric that numbers a node's sessions.
const SESSION: &str = "bdSeq";

/// What births said, by group and node.
#[derive(Debug, Default)]
pub(in crate::core::rules::source) struct Births(Mutex<BTreeMap<String, Birth>>);

#[derive(Debug, Default)]
struct Birth {
    session: Option<Value>,
    names: BTreeMap<u64, String>,
}

#[derive(Clone, PartialEq, Message)]
struct SparkplugPayload {
    #[prost(uint64, optional, tag = "1")]
    timestamp: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<SparkplugMetric>,
    #[prost(uint64, optional, tag = "3")]
    seq: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct SparkplugMetric {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    alias: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "4")]
    datatype: Option<u32>,
    #[prost(bool, optional, tag = "7")]
    is_null: Option<bool>,
    #[prost(oneof = "Given", tags = "10, 11, 12, 13, 14, 15")]
    given: Option<Given>,
}

/// Values that have a form in JSON; data sets and templates are left out.
#[derive(Clone, PartialEq, prost::Oneof)]
enum Given {
    #[prost(uint32, tag = "10")]
    Int(u32),
    #[prost(uint64, tag = "11")]
    Long(u64),
    #[prost(float, tag = "12")]
    Float(f32),
    #[prost(double, tag = "13")]
    Double(f64),
    #[prost(bool, tag = "14")]
    Bool(bool),
    #[prost(string, tag = "15")]
    Text(String),
}

/// Where a message is from, as its topic says.
struct Topic<'a> {
    group: &'a str,
    kind: &'a str,
    node: &'a str,
    device: Option<&'a str>,
}

/// One message as an object: kind, group, node, device, session, stale, metrics by name.
pub(super) fn read(payload: &[u8], topic: &str, births: &Births) -> Result<Value, ParseBodyError> {
    let levels: Vec<&str> = topic.split('/').collect();
    match levels.as_slice() {
        ["spBv1.0", "STATE", host] => state(payload, host),
        ["spBv1.0", group, kind, node] => of_node(payload, &Topic { group, kind, node, device: None }, births),
        ["spBv1.0", group, kind, node, device] => {
            of_node(payload, &Topic { group, kind, node, device: Some(device) }, births)
        }
        _ => Err(ParseBodyError::whole("not a topic of Sparkplug B; expected spBv1.0/GROUP/KIND/NODE")),
    }
}

/// What a host application says of itself: JSON, and before 3.0 a word.
fn state(payload: &[u8], host: &str) -> Result<Value, ParseBodyError> {
    let text = error::utf8(payload)?.trim();
    let object: Value = serde_json::from_str(text).unwrap_or_default();
    let online = match (object["online"].as_bool(), text) {
        (Some(online), _) => online,
        (None, "ONLINE") => true,
        (None, "OFFLINE") => false,
        (None, _) => {
            return Err(ParseBodyError::whole("a STATE that is neither {\"online\": …} nor ONLINE or OFFLINE"));
        }
    };
    Ok(json!({"kind": "STATE", "node": host, "online": online, "timestamp": object["timestamp"]}))
}

fn of_node(payload: &[u8], topic: &Topic<'_>, births: &Births) -> Result<Value, ParseBodyError> {
    let payload = SparkplugPayload::decode(payload)
        .map_err(|error| ParseBodyError::whole(format!("not Sparkplug B: {error}")))?;
    if payload.metrics.len() > FIELDS_MAX {
        return Err(ParseBodyError::whole(format!("more than {FIELDS_MAX} metrics in one payload")));
    }
    let key = format!("{}/{}", topic.group, topic.node);
    let mut nodes = births.0.lock().unwrap_or_else(PoisonError::into_inner);
    if topic.kind == "NBIRTH" {
        if nodes.len() >= NODES_MAX && !nodes.contains_key(&key) {
            nodes.pop_first();
        }
        nodes.insert(key.clone(), Birth::default());
    }
    if matches!(topic.kind, "NBIRTH" | "DBIRTH")
        && let Some(birth) = nodes.get_mut(&key)
    {
        let named = payload.metrics.iter().filter_map(|metric| Some((metric.alias?, metric.name.clone()?)));
        birth.names.extend(named.take(FIELDS_MAX.saturating_sub(birth.names.len())));
    }
    let birth = nodes.get(&key);
    let mut metrics = Map::new();
    for metric in &payload.metrics {
        let known = || metric.alias.and_then(|alias| birth?.names.get(&alias)).cloned();
        let unnamed = || format!("alias {}", metric.alias.unwrap_or_default());
        let name = metric.name.clone().filter(|name| !name.is_empty()).or_else(known).unwrap_or_else(unnamed);
        metrics.insert(name, metric.value());
    }
    let session = metrics.get(SESSION).cloned();
    let newest = birth.and_then(|birth| birth.session.clone());
    let stale = topic.kind == "NDEATH" && newest.is_some() && session.is_some() && newest != session;
    if topic.kind == "NBIRTH"
        && let Some(birth) = nodes.get_mut(&key)
    {
        birth.session.clone_from(&session);
    }
    Ok(json!({"kind": topic.kind, "group": topic.group, "node": topic.node, "device": topic.device,
        "timestamp": payload.timestamp, "seq": payload.seq, "session": session, "stale": stale, "metrics": metrics}))
}

impl SparkplugMetric {
    fn value(&self) -> Value {
        if self.is_null == Some(true) {
            return Value::Null;
        }
        match (&self.given, self.datatype) {
            // Signed numbers stand there as their two's complement.
            (Some(Given::Int(value)), Some(1..=3)) => Value::from(*value as i32),
            (Some(Given::Int(value)), _) => Value::from(*value),
            (Some(Given::Long(value)), Some(4)) => Value::from(*value as i64),
            (Some(Given::Long(value)), _) => Value::from(*value),
            (Some(Given::Float(value)), _) => Value::from(f64::from(*value)),
            (Some(Given::Double(value)), _) => Value::from(*value),
            (Some(Given::Bool(value)), _) => Value::from(*value),
            (Some(Given::Text(value)), _) => Value::from(value.clone()),
            (None, _) => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: Option<&str>, alias: Option<u64>, given: Given) -> SparkplugMetric {
        let name = name.map(str::to_owned);
        SparkplugMetric { name, alias, timestamp: None, datatype: Some(3), is_null: None, given: Some(given) }
    }

    fn payload(metrics: Vec<SparkplugMetric>) -> Vec<u8> {
        SparkplugPayload { timestamp: Some(1_795_284_733_000), metrics, seq: Some(1) }.encode_to_vec()
    }

    fn session(number: u64) -> SparkplugMetric {
        metric(Some(SESSION), None, Given::Long(number))
    }

    #[test]
    fn a_birth_names_what_comes_after_it_and_a_late_death_is_stale() {
        let births = Births::default();
        let read = |topic: &str, metrics: Vec<SparkplugMetric>| read(&payload(metrics), topic, &births).unwrap();
        let early = read("spBv1.0/gz/NDEATH/泵站", vec![session(0)]);
        assert_eq!((&early["stale"], &early["session"]), (&json!(false), &json!(0)), "nothing is known of it yet");
        read("spBv1.0/gz/NBIRTH/泵站", vec![session(1), metric(Some("temp"), Some(7), Given::Int(20))]);
        read("spBv1.0/gz/DBIRTH/泵站/阀1", vec![metric(Some("open"), Some(8), Given::Bool(true))]);
        let data = read(
            "spBv1.0/gz/DDATA/泵站/阀1",
            vec![
                metric(None, Some(7), Given::Int((-5_i32) as u32)),
                metric(None, Some(8), Given::Bool(false)),
                metric(None, Some(9), Given::Text("x".to_owned())),
            ],
        );
        assert_eq!(data["metrics"], json!({"temp": -5, "open": false, "alias 9": "x"}));
        assert_eq!((&data["device"], &data["group"]), (&json!("阀1"), &json!("gz")));
        assert_eq!(read("spBv1.0/gz/NDEATH/泵站", vec![session(0)])["stale"], json!(true));
        assert_eq!(read("spBv1.0/gz/NDEATH/泵站", vec![session(1)])["stale"], json!(false));
        assert_eq!(read("spBv1.0/gz/NDEATH/other", vec![session(9)])["stale"], json!(false));
    }

    #[test]
    fn hosts_say_their_state_and_what_is_no_sparkplug_is_refused() {
        let births = Births::default();
        let check = |topic: &str, payload: &[u8], expected: Result<bool, &str>| {
            let found = read(payload, topic, &births);
            match expected {
                Ok(online) => assert_eq!(found.unwrap()["online"], json!(online)),
                Err(piece) => assert!(found.clone().unwrap_err().reason.contains(piece), "{found:?}"),
            }
        };
        check("spBv1.0/STATE/scada", br#"{"online": true, "timestamp": 1}"#, Ok(true));
        check("spBv1.0/STATE/scada", b"OFFLINE", Ok(false));
        check("spBv1.0/STATE/scada", b"perhaps", Err("neither"));
        check("spBv1.0/gz/NBIRTH/n", b"\xff\xff\xff", Err("not Sparkplug B"));
        check("other/topic", b"", Err("not a topic"));
        for length in 0..40 {
            let whole = payload(vec![session(1), metric(Some("a"), Some(1), Given::Double(0.5))]);
            // Whatever is cut off, it is told or read, never a panic.
            let _ = read(&whole[..length.min(whole.len())], "spBv1.0/g/NBIRTH/n", &births);
        }
    }
}
