//! The simulated province: a core and 17 branch sites with routers, switches, a server and power.

use serde_json::{Value, json};

use crate::core::simulation::provincial_estate::BRANCHES;

/// Devices of every branch.
const DEVICES: [&str; 6] = ["ar1", "sw1", "sw2", "sw3", "srv1", "ups1"];

/// A device's name: its site's code, then its own.
pub fn device(site: usize, index: usize) -> String {
    format!("{}-{}", BRANCHES[site % BRANCHES.len()].0.to_lowercase(), DEVICES[index % DEVICES.len()])
}

pub fn device_count() -> usize {
    DEVICES.len()
}

/// A native event about a site.
pub fn event(site: usize, alertname: &str, status: &str, severity: &str, extra: &[(&str, &str)]) -> Value {
    let (code, name) = BRANCHES[site % BRANCHES.len()];
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
