//! The story of one minute: faults with place and time, as messages in the order of sending.

use serde_json::{Value, json};

use super::province;
use crate::core::simulation::provincial_estate::BRANCHES;

/// A second of the story.
pub type Second = u64;

/// An event outside watchfire.
pub enum Happening {
    /// Heading of a chapter, for the person who watches.
    Chapter(&'static str),
    /// A native event over MQTT.
    Mqtt { site: usize, event: Value },
    /// An Alertmanager alert over HTTP, as Prometheus sends it.
    Alert { labels: Value, annotations: Value, firing: bool },
    /// The portal of the inspection breaks.
    PortalBreaks,
    /// It is repaired.
    PortalWorks,
    /// First line acknowledges the newest incident of that rule.
    Acknowledge { rule: &'static str },
}

/// The last second with a happening.
pub const END: Second = 45;

/// Every happening with its second, in order.
pub fn happenings() -> Vec<(Second, Happening)> {
    let mut story = Vec::new();
    heartbeats(&mut story);
    link_flap(&mut story);
    disk(&mut story);
    recurring_fault(&mut story);
    power_cut(&mut story);
    storm(&mut story);
    portal(&mut story);
    story.sort_by_key(|(at, _)| *at);
    story
}

fn say(story: &mut Vec<(Second, Happening)>, at: Second, text: &'static str) {
    story.push((at, Happening::Chapter(text)));
}

fn send(story: &mut Vec<(Second, Happening)>, at: Second, site: usize, event: Value) {
    story.push((at, Happening::Mqtt { site, event }));
}

/// Heartbeats of every site every five seconds; one falls silent.
fn heartbeats(story: &mut Vec<(Second, Happening)>) {
    const SILENT: usize = 12;
    say(story, 0, "17 branch sites begin to report; 汕尾 will fall silent");
    for at in (0..=END).step_by(5) {
        for site in (0..BRANCHES.len()).filter(|site| *site != SILENT || at < 10) {
            send(story, at, site, province::event(site, "SiteHeartbeat", "point", "indeterminate", &[]));
        }
    }
}

fn link_flap(story: &mut Vec<(Second, Happening)>) {
    say(story, 1, "a link at 珠海 flaps");
    let port = [("device", "zh03-sw2"), ("port", "GE0/0/24")];
    for flap in 0..4 {
        send(story, 1 + 2 * flap, 2, province::event(2, "LinkDown", "firing", "major", &port));
        if flap < 3 {
            send(story, 2 + 2 * flap, 2, province::event(2, "LinkDown", "resolved", "major", &port));
        }
    }
    story.push((12, Happening::Acknowledge { rule: "link-flap" }));
}

fn disk(story: &mut Vec<(Second, Happening)>) {
    say(story, 3, "a disk fills, says a Prometheus");
    for (at, severity) in [(3, "warning"), (9, "warning"), (18, "warning")] {
        let labels = json!({
            "alertname": "DiskWillFill", "instance": "gz01-srv1:9100", "mountpoint": "/var", "severity": severity,
        });
        let annotations = json!({ "summary": "磁盘 /var 预计 4 小时内写满" });
        story.push((at, Happening::Alert { labels, annotations, firing: true }));
    }
}

/// The same optical module fails again and again: the third time makes a problem.
fn recurring_fault(story: &mut Vec<(Second, Happening)>) {
    say(story, 4, "an optical module at 惠州 fails, recovers, and fails again");
    let module = [("device", "hz11-ar1")];
    for (down, up) in [(4, 6), (10, 12), (16, 18), (24, 26)] {
        send(story, down, 10, province::event(10, "OpticalModuleErrors", "firing", "minor", &module));
        send(story, up, 10, province::event(10, "OpticalModuleErrors", "resolved", "minor", &module));
    }
}

/// The power of a site fails; all its devices raise alarms, and are explained by it.
fn power_cut(story: &mut Vec<(Second, Happening)>) {
    const SITE: usize = 6;
    say(story, 7, "湛江 loses its power, and everything there shouts");
    send(story, 7, SITE, province::event(SITE, "PowerFailure", "firing", "critical", &[]));
    for index in 0..province::device_count() {
        let device = province::device(SITE, index);
        for alertname in ["DeviceUnreachable", "ServiceDown"] {
            send(story, 8, SITE, province::event(SITE, alertname, "firing", "major", &[("device", &device)]));
        }
    }
}

/// Hundreds of alarms from all sites within two seconds.
fn storm(story: &mut Vec<(Second, Happening)>) {
    say(story, 20, "a storm: 408 alarms from every site within two seconds");
    for site in 0..BRANCHES.len() {
        for index in 0..24 {
            let device = format!("{}-{index}", province::device(site, index));
            let alertname = ["HighTemperature", "FanFailure", "BgpPeerDown"][index % 3];
            let at = 20 + (index as u64 % 2);
            send(story, at, site, province::event(site, alertname, "firing", "minor", &[("device", &device)]));
            send(story, at + 8, site, province::event(site, alertname, "resolved", "minor", &[("device", &device)]));
        }
    }
}

fn portal(story: &mut Vec<(Second, Happening)>) {
    say(story, 5, "the provincial portal breaks; the next inspection round will find it");
    story.push((5, Happening::PortalBreaks));
    say(story, 38, "the portal is repaired");
    story.push((38, Happening::PortalWorks));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_fits_a_minute_and_comes_in_order() {
        let story = happenings();
        assert!(story.windows(2).all(|two| two[0].0 <= two[1].0));
        assert!(story.last().is_some_and(|(at, _)| *at <= END));
        let mqtt = story.iter().filter(|(_, one)| matches!(one, Happening::Mqtt { .. })).count();
        assert!(mqtt > 900, "{mqtt} messages");
    }
}
