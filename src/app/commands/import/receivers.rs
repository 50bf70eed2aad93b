//! Receivers as teams, as far as their type is supported.

use super::strict_map::{Document, ImportReport};

/// A receiver and its addresses.
pub(super) struct ImportedReceiver {
    pub name: String,
    pub webhooks: Vec<String>,
    pub emails: Vec<String>,
}

pub(super) fn read(document: &mut Document, report: &mut ImportReport) -> Vec<ImportedReceiver> {
    document.list("receivers").into_iter().map(|entry| receiver(entry, report)).collect()
}

fn receiver(mut entry: Document, report: &mut ImportReport) -> ImportedReceiver {
    let name = entry.text("name").unwrap_or_default();
    let mut webhooks = Vec::new();
    for mut webhook in entry.list("webhook_configs") {
        // A resolved incident is always notified.
        webhook.take("send_resolved");
        match webhook.text("url") {
            Some(url) if !url.contains("{{") => webhooks.push(url),
            Some(_) => report.no_equal(&webhook.at("url"), "a URL is plain text here: one team for each"),
            None => report.no_equal(webhook.path(), "write the URL into the team's notify:"),
        }
        webhook.leftovers(report);
    }
    let mut emails = Vec::new();
    for mut email in entry.list("email_configs") {
        email.take("send_resolved");
        let (bare, others) = addresses(&email.text("to").unwrap_or_default());
        emails.extend(bare);
        for address in others {
            report.no_equal(&email.at("to"), &format!("write the bare address of {address:?} into the team's email:"));
        }
        email.leftovers(report);
    }
    for kind in entry.rest() {
        report.no_equal(&format!("receiver {name:?}: {kind}"), instead(&kind));
    }
    ImportedReceiver { name, webhooks, emails }
}

/// The plain addresses of a list, and its other entries.
fn addresses(to: &str) -> (Vec<String>, Vec<String>) {
    let is_bare = |one: &String| one.contains('@') && !one.contains([' ', '<', '{', '"']);
    to.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).partition(is_bare)
}

/// Replacement in a team's `notify:` for a service whose settings cannot be imported.
fn instead(kind: &str) -> &'static str {
    match kind {
        "slack_configs" => "slack: of the team's notify:, the hook's key as {secret:NAME}",
        "wechat_configs" => "wecom: of the team's notify:, with a group's robot, its key as {secret:NAME}",
        _ => "webhook:, template: (any HTTP request) or mqtt: of the team's notify:",
    }
}
