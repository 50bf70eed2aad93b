//! What the configuration gives to reach people with: mail server, secrets, links and what signs them.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::services::Services;
use crate::app::config::SmtpConfig;
use crate::core::incidents::AckKey;
use crate::notify::{ChannelConfig, Links, MailServer, MailServerError, MayTell, Publish, SecretError, Secrets};
use crate::store::Store;

/// Where a key of our own making is kept: beside the journal, in none of its records.
const KEY_SETTING: &str = "ack_key";
/// The secret that signs links in place of our own key, for services that share links.
const KEY_SECRET: &str = "ack-link";

/// Everything that the courier needs; the error names the setting that is wrong.
pub fn of(doors: &Services, publisher: Option<Publish>) -> Result<ChannelConfig, String> {
    let config = &doors.config;
    let mail = config.smtp.as_ref().map(mail_server).transpose()?;
    let base = config.external_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let key = doors.ack_key.clone();
    Ok(ChannelConfig {
        publisher,
        mail,
        secrets: secrets(config.secrets_dir.clone()),
        links: base.map(|base| Links { base, key, valid_for: config.ack_link_valid }),
        now: doors.now(),
        zone: TimeZone::system(),
        installation: doors.installation.clone(),
        ahead: {
            let clock = doors.clock.clone();
            Arc::new(move || clock.ahead())
        },
        may_tell: may_tell(doors),
    })
}

fn mail_server(smtp: &SmtpConfig) -> Result<MailServer, String> {
    let bad = |name: &'static str| move |bad: MailServerError| format!("smtp.{name}: {bad}");
    let mut server = MailServer::new(&smtp.url, &smtp.from).map_err(|bad| format!("smtp: {bad}"))?;
    if let Some(name) = &smtp.hello_name {
        server = server.with_hello_name(name).map_err(bad("hello_name"))?;
    }
    if let Some(domain) = &smtp.message_id_domain {
        server = server.with_message_id_domain(domain).map_err(bad("message_id_domain"))?;
    }
    if let Some(file) = &smtp.ca_file {
        let pem = std::fs::read(file).map_err(|error| format!("smtp.ca_file: {}: {error}", file.display()))?;
        server = server.with_trusted(&pem).map_err(bad("ca_file"))?;
    }
    Ok(server)
}

/// Only the holder of the lease speaks for the service.
fn may_tell(doors: &Services) -> MayTell {
    let (live, steady) = (Arc::clone(&doors.live), doors.steady());
    Arc::new(move || live.holds_lease(steady()))
}

/// The configured key, else our own: made at the first start, so that links outlive a restart.
pub async fn ack_key(store: &Store, secrets_dir: Option<PathBuf>) -> Result<AckKey, String> {
    match secrets(secrets_dir).get(KEY_SECRET).await {
        Ok(secret) => return Ok(AckKey(Sha256::digest(secret.as_bytes()).into())),
        Err(SecretError::Unset { .. }) => {}
        Err(error @ SecretError::Unreadable { .. }) => return Err(error.to_string()),
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = store.setting_or(KEY_SETTING, &text).await.map_err(|error| error.to_string())?;
    parse(&kept)
        .ok_or_else(|| format!("the setting {KEY_SETTING} in the database is no key; delete it, and one is made anew"))
}

fn secrets(dir: Option<PathBuf>) -> Secrets {
    Secrets::new(|variable| std::env::var(variable).ok(), dir)
}

fn parse(text: &str) -> Option<AckKey> {
    let mut key = [0_u8; 32];
    if text.len() != 2 * key.len() || !text.is_ascii() {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(AckKey(key))
}
