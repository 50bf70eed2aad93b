//! The simulated province: a core and 17 branch sites with routers, switches, a server and power.

use serde_json::{Value, json};

/// The branches, as (code, name).
pub const SITES: [(&str, &str); 17] = [
    ("GZ01", "广州"),
    ("SZ02", "深圳"),
    ("ZH03", "珠海"),
    ("ST04", "汕头"),
    ("FS05", "佛山"),
    ("SG06", "韶关"),
    ("ZJ07", "湛江"),
    ("ZQ08", "肇庆"),
    ("JM09", "江门"),
    ("MM10", "茂名"),
    ("HZ11", "惠州"),
    ("MZ12", "梅州"),
    ("SW13", "汕尾"),
    ("HY14", "河源"),
    ("YJ15", "阳江"),
    ("QY16", "清远"),
    ("DG17", "东莞"),
];

/// What stands at every branch.
const DEVICES: [&str; 6] = ["ar1", "sw1", "sw2", "sw3", "srv1", "ups1"];

/// A device's name: its site's code, then its own.
pub fn device(site: usize, index: usize) -> String {
    format!("{}-{}", SITES[site % SITES.len()].0.to_lowercase(), DEVICES[index % DEVICES.len()])
}

pub fn device_count() -> usize {
    DEVICES.len()
}

/// A native event about a site.
pub fn event(site: usize, alertname: &str, status: &str, severity: &str, extra: &[(&str, &str)]) -> Value {
    let (code, name) = SITES[site % SITES.len()];
    let mut labels = json!({ "alertname": alertname, "site": code });
    for (label, value) in extra {
        labels[*label] = json!(value);
    }
    json!({
        "status": status,
        "labels": labels,
        "severity": severity,
        "summary": format!("{name} {alertname}"),
        "annotations": { "branch": format!("{name}分公司") },
    })
}
