//! What is known of an event before anybody works on it: rows 38 and 65.

use super::centre::Centre;
use watchfire::core::engine::{Effect, RecordChange, Suppressor};
use watchfire::core::model::Status;

const START: &str = "2026-03-02T09:00:00";

const NAMES: &str = r#"
inventory:
  items:
    - {name: 0000COM1234, site: 广州01, vendor: 华信, contract: HT-7, contract_until: "2026-12-31"}
  naming:
    - {label: device, pattern: '(?P<contract_number>\d{4})(?P<kind>COM|PRN)(?P<serial>\d{4})', examples: [0000COM1234]}
    - {label: device, pattern: '(?P<department>[A-Z]{3})-(?P<kind>COM|PRN)-(?P<serial>\d{4})', examples: [KJC-COM-1234]}
    - {label: account, pattern: '(?P<person>[a-z]+)(?P<department>[A-Z]{3})', examples: [zhangshanKJC]}
rules:
  - {name: broken, match: alertname="Broken", by: [device], title: "{fact.kind} {fact.serial}", notify_delay: 0s}
"#;

#[test]
fn row_65_a_name_is_taken_apart_and_a_bad_one_is_quarantined() {
    let mut centre = Centre::open(NAMES, START);
    let title = |centre: &mut Centre, device: &str, id: u64| {
        centre.fire(&[("alertname", "Broken"), ("device", device)]);
        centre.incident(id).title.trim().to_owned()
    };
    assert_eq!(title(&mut centre, "0000COM1234", 1), "COM 1234");
    assert_eq!(title(&mut centre, "KJC-PRN-0042", 2), "PRN 0042");
    assert_eq!(centre.engine().quarantined().count(), 0);
    centre.fire(&[("alertname", "Broken"), ("device", "科技处打印机")]);
    let bad: Vec<String> = centre.engine().quarantined().map(|name| name.name).collect();
    assert_eq!(bad, ["科技处打印机"]);
    assert_eq!(centre.incidents().len(), 3, "a bad name hides no fault");
}

#[test]
fn row_38_under_a_change_alerts_are_suppressed_and_kept_and_raised_when_it_ends() {
    let rules = r#"
maintenance:
  - {name: GZ01 核心割接, change: CHG-123, pauses: true, from: 2026-03-02T10:00:00+08:00, to: 2026-03-02T12:00:00+08:00, site: GZ01}
teams:
  - {name: first, members: [一线值班], notify: [{webhook: {url: "http://127.0.0.1:1/"}}]}
tiers:
  - {name: default, steps: [{tier: 1, team: first, respond_by: 30m}]}
rules:
  - {name: link, match: alertname="LinkDown", by: [site], notify_delay: 0s}
"#;
    let mut centre = Centre::open(rules, START);
    centre.at("2026-03-02T10:30:00").fire(&[("alertname", "LinkDown"), ("site", "GZ01")]);
    centre.at("2026-03-02T11:59:59");
    assert_eq!(centre.notices().len(), 0);
    let kept = |effect: &Effect| matches!(effect, Effect::Record(RecordChange::Alert(alert)) if alert.status == Status::Firing);
    assert!(centre.effects.iter().any(|(_, effect)| kept(effect)), "it is recorded");
    let counted = |effect: &Effect| {
        matches!(effect, Effect::Count(watchfire::core::engine::Metric::Suppressed { by: Suppressor::Maintenance }))
    };
    assert!(centre.effects.iter().any(|(_, effect)| counted(effect)), "what was held back is counted");
    centre.at("2026-03-02T12:01:00");
    assert_eq!(centre.notices().len(), 1, "what still fires is raised when the change ends");
}
