//! Receivers as teams.

use super::strict_map::{Document, ImportReport};
use crate::core::rules::AlertmanagerWebhook;

/// Names that say of a receiver without anything in it that it throws alerts away.
const NOBODY: [&str; 6] = ["null", "blackhole", "devnull", "dev-null", "none", "void"];

pub(super) struct ImportedReceiver {
    pub name: String,
    pub webhooks: Vec<AlertmanagerWebhook>,
    pub emails: Vec<String>,
    /// It has any integration, one that cannot be imported too.
    pub has_integration: bool,
}

pub(super) fn read(document: &mut Document, report: &mut ImportReport) -> Vec<ImportedReceiver> {
    document.list("receivers").into_iter().map(|entry| receiver(entry, report)).collect()
}

/// Whether alerts of that receiver are thrown away. In a file in which no receiver has anything, only the name tells.
pub(super) fn is_nobody(name: &str, receivers: &[ImportedReceiver]) -> bool {
    let is_empty = receivers.iter().any(|one| one.name == name && !one.has_integration);
    is_empty && (NOBODY.contains(&name.to_lowercase().as_str()) || receivers.iter().any(|one| one.has_integration))
}

fn receiver(mut entry: Document, report: &mut ImportReport) -> ImportedReceiver {
    let name = entry.text("name").unwrap_or_default();
    let mut has_integration = false;
    let mut webhooks = Vec::new();
    for mut webhook in entry.list("webhook_configs") {
        has_integration = true;
        let send_resolved = webhook.flag("send_resolved").unwrap_or(true);
        let max_alerts = webhook.text("max_alerts").and_then(|text| text.parse().ok()).unwrap_or(0);
        match webhook.text("url") {
            Some(url) if !url.contains("{{") => {
                webhooks.push(AlertmanagerWebhook { url, max_alerts, send_resolved });
            }
            Some(_) => report.no_equal(webhook.at("url"), "a URL is plain text here: one team for each"),
            None => report.no_equal(webhook.at("url"), "write the URL into the team's notify:"),
        }
        webhook.leftovers(report);
    }
    let mut emails = Vec::new();
    for mut email in entry.list("email_configs") {
        has_integration = true;
        // An Alertmanager's mails do not tell it unless they say so.
        if !email.flag("send_resolved").unwrap_or(false) {
            report.no_equal(email.at("send_resolved"), "the end of an incident is told by mail here");
        }
        let (bare, others) = addresses(&email.text("to").unwrap_or_default());
        emails.extend(bare);
        for address in others {
            report.no_equal(email.at("to"), format!("write the bare address of {address:?} into the team's email:"));
        }
        email.leftovers(report);
    }
    for kind in entry.rest() {
        has_integration = true;
        report.no_equal(entry.at(&kind), format!("receiver {name:?}: {}", instead(&kind)));
    }
    ImportedReceiver { name, webhooks, emails, has_integration }
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
