//! Receivers: teams, as far as we can tell them.

use super::document::{Document, Report};

/// A receiver and the addresses it is told at.
pub(super) struct Receiver {
    pub name: String,
    pub webhooks: Vec<String>,
}

pub(super) fn read(document: &mut Document, report: &mut Report) -> Vec<Receiver> {
    document.list("receivers").into_iter().map(|entry| receiver(entry, report)).collect()
}

fn receiver(mut entry: Document, report: &mut Report) -> Receiver {
    let name = entry.text("name").unwrap_or_default();
    let mut webhooks = Vec::new();
    for mut webhook in entry.list("webhook_configs") {
        // A resolved incident is always told.
        webhook.take("send_resolved");
        match webhook.text("url") {
            Some(url) if !url.contains("{{") => webhooks.push(url),
            Some(_) => report.no_equal(&webhook.at("url"), "a URL is plain text here: one team for each"),
            None => report.no_equal(webhook.path(), "write the URL into the team's notify:"),
        }
        webhook.leftovers(report);
    }
    for kind in entry.rest() {
        let place = format!("receiver {name:?}: {kind}");
        let service = kind.trim_end_matches("_configs");
        report.no_equal(&place, &format!("tell {service} through a webhook or an MQTT topic of the team's notify:"));
    }
    Receiver { name, webhooks }
}
