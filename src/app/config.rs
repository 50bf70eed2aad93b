//! Configuration: defaults, then `watchfire.yaml`, then `WATCHFIRE_…`, then flags. Checked before anything starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::config_error::span;
use super::mqtt_config::{MqttIntake, MqttIntakeSettings};
use super::web_config::{HttpFile, SilenceFile, TlsFile, WebConfig, WebFile, WebFlags};
use crate::core::model::TimeDelta;

pub use super::config_error::ConfigError;

/// Where watchfire listens when nobody says otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:7247";

/// Where the built-in MQTT intake listens when nobody says otherwise; a taken port falls back to a free one.
pub const MQTT_LISTEN_DEFAULT: &str = "127.0.0.1:1883";

/// The flags of `serve`, each also in `watchfire.yaml` (with underscores) and as `WATCHFIRE_…`.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeFlags {
    /// Configuration file [default: ./watchfire.yaml if it is there]
    #[arg(long, env = "WATCHFIRE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of the HTTP doors [default: 127.0.0.1:7247]
    #[arg(long, env = "WATCHFIRE_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Where the embedded database lives [default: ./watchfire-data]
    #[arg(long, env = "WATCHFIRE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Rule files, read recursively [default: ./rules, or the built-in rules when there is none]
    #[arg(long, env = "WATCHFIRE_RULES", value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// postgres://user@host/database instead of the embedded database
    #[arg(long, env = "WATCHFIRE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Broker to subscribe to and publish on: mqtt://user:password@host:port or mqtts://…; ?version=5 for MQTT 5
    #[arg(long, env = "WATCHFIRE_MQTT_URL", value_name = "URL", hide_env_values = true)]
    pub mqtt_url: Option<String>,
    /// Address of the built-in MQTT intake, or "off" [default: 127.0.0.1:1883, unless --mqtt-url is given]
    #[arg(long, env = "WATCHFIRE_MQTT_LISTEN", value_name = "ADDR:PORT")]
    pub mqtt_listen: Option<String>,
    #[command(flatten)]
    pub mqtt_intake: MqttIntakeSettings,
    /// How people reach this service, for links and for the Host check
    #[arg(long, env = "WATCHFIRE_EXTERNAL_URL", value_name = "URL")]
    pub external_url: Option<String>,
    /// Watcher outside that is told at an interval that watchfire lives, by GET
    #[arg(long, env = "WATCHFIRE_HEARTBEAT_URL", value_name = "URL", hide_env_values = true)]
    pub heartbeat_url: Option<String>,
    /// How often it is told [default: 1m]
    #[arg(long, env = "WATCHFIRE_HEARTBEAT_EVERY", value_name = "SPAN")]
    pub heartbeat_every: Option<String>,
    /// Mail server: smtp://host:25, smtps://user:{secret:NAME}@host or smtp://user:{secret:NAME}@host:587?tls=required
    /// (in the file: smtp: {url, from})
    #[arg(long, env = "WATCHFIRE_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// As whom mails are sent: noc@example.com, or "值班 <noc@example.com>"
    #[arg(long, env = "WATCHFIRE_SMTP_FROM", value_name = "ADDRESS")]
    pub smtp_from: Option<String>,
    /// How we call ourselves to the mail server (EHLO) [default: the sender's domain]
    #[arg(long, env = "WATCHFIRE_SMTP_HELLO_NAME", value_name = "NAME")]
    pub smtp_hello_name: Option<String>,
    /// What stands behind the @ of a Message-ID [default: the sender's domain]
    #[arg(long, env = "WATCHFIRE_SMTP_MESSAGE_ID_DOMAIN", value_name = "DOMAIN")]
    pub smtp_message_id_domain: Option<String>,
    /// Certificates (PEM) that vouch for the mail server, in place of the system's: a private authority, or the
    /// server's own certificate if it is not marked as an authority's
    #[arg(long, env = "WATCHFIRE_SMTP_CA_FILE", value_name = "FILE")]
    pub smtp_ca_file: Option<PathBuf>,
    /// Directory with one file for each secret that channels name as {secret:NAME}; `WATCHFIRE_SECRET_NAME` comes first
    #[arg(long, env = "WATCHFIRE_SECRETS_DIR", value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
    /// How long the link of a notice acknowledges; needs --external-url [default: 24h]
    #[arg(long, env = "WATCHFIRE_ACK_LINK_VALID", value_name = "SPAN")]
    pub ack_link_valid: Option<String>,
    /// Label that names an event's correlation domain (say, site); fixed at the first start [default: one domain]
    #[arg(long, env = "WATCHFIRE_DOMAIN_LABEL", value_name = "LABEL")]
    pub domain_label: Option<String>,
    /// How long the journal is kept [default: 14d]
    #[arg(long, env = "WATCHFIRE_JOURNAL_KEEP", value_name = "SPAN")]
    pub journal_keep: Option<String>,
    /// How large the journal may become, in bytes [default: 20 GB]
    #[arg(long, env = "WATCHFIRE_JOURNAL_MAX_BYTES", value_name = "BYTES")]
    pub journal_max_bytes: Option<u64>,
    /// How many events may wait for their commit [default: 50000]
    #[arg(long, env = "WATCHFIRE_INTAKE_EVENTS", value_name = "N")]
    pub intake_events: Option<u32>,
    /// Where a backup is put at an interval [default: none are made]
    #[arg(long, env = "WATCHFIRE_BACKUP_DIR", value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,
    /// How often a backup is made; needs --backup-dir [default: 24h]
    #[arg(long, env = "WATCHFIRE_BACKUP_EVERY", value_name = "SPAN")]
    pub backup_every: Option<String>,
    /// How many backups are kept [default: 7]
    #[arg(long, env = "WATCHFIRE_BACKUP_KEEP", value_name = "N")]
    pub backup_keep: Option<usize>,
    /// Where records go that are old enough to leave the database, a file a month [default: they stay]
    #[arg(long, env = "WATCHFIRE_ARCHIVE_DIR", value_name = "DIR")]
    pub archive_dir: Option<PathBuf>,
    /// How old they are then, 30d or more; entries of the audit 180d at least [default: 365d]
    #[arg(long, env = "WATCHFIRE_RECORDS_KEEP", value_name = "SPAN")]
    pub records_keep: Option<String>,
    /// Start with a database that was in use and whose write-ahead log is missing
    #[arg(long, env = "WATCHFIRE_ACCEPT_LOSS")]
    pub accept_loss: bool,
    #[command(flatten)]
    pub web: WebFlags,
    /// Start although the wall clock is behind the journal
    #[arg(long, env = "WATCHFIRE_ACCEPT_CLOCK")]
    pub accept_clock: bool,
    /// Leave the database to another process that starts now, and wait until that one is gone
    #[arg(long, env = "WATCHFIRE_STANDBY")]
    pub standby: bool,
    /// Take the database from the process that holds it, however healthy
    #[arg(long)]
    pub take_over: bool,
    /// Log lines as JSON
    #[arg(long, env = "WATCHFIRE_LOG_JSON")]
    pub log_json: bool,
}

/// What `watchfire.yaml` may say. Unknown keys are mistakes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    listen: Option<String>,
    data_dir: Option<PathBuf>,
    rules: Option<PathBuf>,
    database_url: Option<String>,
    mqtt_url: Option<String>,
    mqtt_listen: Option<String>,
    mqtt_intake: MqttIntakeSettings,
    external_url: Option<String>,
    heartbeat_url: Option<String>,
    heartbeat_every: Option<String>,
    smtp: Smtp,
    secrets_dir: Option<PathBuf>,
    ack_link_valid: Option<String>,
    domain_label: Option<String>,
    journal_keep: Option<String>,
    journal_max_bytes: Option<u64>,
    intake_events: Option<u32>,
    backup_dir: Option<PathBuf>,
    backup_every: Option<String>,
    backup_keep: Option<usize>,
    archive_dir: Option<PathBuf>,
    records_keep: Option<String>,
    accept_loss: bool,
    allowed_hosts: Vec<String>,
    allowed_origins: Vec<String>,
    trusted_proxies: Vec<String>,
    tls: TlsFile,
    http: HttpFile,
    silences: BTreeMap<String, SilenceFile>,
    accept_clock: bool,
    standby: bool,
    log_json: bool,
}

/// The mail server.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Smtp {
    url: Option<String>,
    from: Option<String>,
    hello_name: Option<String>,
    message_id_domain: Option<String>,
    ca_file: Option<PathBuf>,
}

/// The mail server as configured; checked when the courier starts.
#[derive(Clone)]
pub struct SmtpConfig {
    /// Names its password, but is never printed.
    pub url: String,
    pub from: String,
    pub hello_name: Option<String>,
    pub message_id_domain: Option<String>,
    pub ca_file: Option<PathBuf>,
}

/// Whether and where the built-in MQTT intake listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MqttListen {
    Off,
    /// Nobody asked for that port: a free one will do if it is taken.
    Default(SocketAddr),
    /// Asked for: a taken port is an error.
    Fixed(SocketAddr),
}

/// Backups that the service makes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPlan {
    pub directory: PathBuf,
    /// A minute or more.
    pub every: TimeDelta,
    /// 1 or more.
    pub keep: usize,
}

/// The checked configuration of `serve`.
#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    /// `sqlite:…` or `postgres://…`; may hold a password, so it is never printed.
    pub database_url: String,
    /// `None`: the built-in rules.
    pub rules: Option<PathBuf>,
    pub mqtt_url: Option<String>,
    pub mqtt_listen: MqttListen,
    pub mqtt_intake: MqttIntake,
    pub external_url: Option<String>,
    /// May hold a secret, so it is never printed.
    pub heartbeat_url: Option<String>,
    pub heartbeat_every: TimeDelta,
    pub smtp: Option<SmtpConfig>,
    pub secrets_dir: Option<PathBuf>,
    /// A minute to 30 days.
    pub ack_link_valid: TimeDelta,
    pub domain_label: Option<String>,
    pub journal_keep: TimeDelta,
    pub journal_max_bytes: u64,
    pub intake_events: u32,
    /// Where files lie that are not in the database.
    pub data_dir: PathBuf,
    pub backup: Option<BackupPlan>,
    pub archive_dir: Option<PathBuf>,
    /// 30 days or more.
    pub records_keep: TimeDelta,
    pub accept_loss: bool,
    pub web: WebConfig,
    pub accept_clock: bool,
    pub standby: bool,
    pub take_over: bool,
    pub log_json: bool,
}

impl Config {
    /// Flags (and their environment) over the file over the defaults.
    pub fn resolve(flags: ServeFlags) -> Result<Config, ConfigError> {
        let file = read_file(flags.config.as_deref())?;
        let listen = flags.listen.or(file.listen).unwrap_or_else(|| LISTEN_DEFAULT.to_owned());
        let data_dir = flags.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("watchfire-data"));
        let mqtt_url = flags.mqtt_url.or(file.mqtt_url);
        let keep = flags.journal_keep.or(file.journal_keep);
        Ok(Config {
            listen: address("listen", &listen)?,
            database_url: flags
                .database_url
                .or(file.database_url)
                .unwrap_or_else(|| format!("sqlite:{}", data_dir.join("watchfire.db").display())),
            rules: rules_dir(flags.rules.or(file.rules))?,
            mqtt_listen: mqtt_listen(flags.mqtt_listen.or(file.mqtt_listen), mqtt_url.is_some())?,
            mqtt_url,
            mqtt_intake: flags.mqtt_intake.over(file.mqtt_intake)?,
            external_url: external_url(flags.external_url.or(file.external_url))?,
            heartbeat_url: heartbeat_url(flags.heartbeat_url.or(file.heartbeat_url))?,
            heartbeat_every: match flags.heartbeat_every.or(file.heartbeat_every) {
                Some(text) => at_least_a_second("heartbeat_every", &text)?,
                None => TimeDelta::from_minutes(1),
            },
            smtp: smtp(Smtp {
                url: flags.smtp_url.or(file.smtp.url),
                from: flags.smtp_from.or(file.smtp.from),
                hello_name: flags.smtp_hello_name.or(file.smtp.hello_name),
                message_id_domain: flags.smtp_message_id_domain.or(file.smtp.message_id_domain),
                ca_file: flags.smtp_ca_file.or(file.smtp.ca_file),
            })?,
            secrets_dir: flags.secrets_dir.or(file.secrets_dir),
            ack_link_valid: ack_link_valid(flags.ack_link_valid.or(file.ack_link_valid))?,
            domain_label: flags.domain_label.or(file.domain_label),
            journal_keep: match keep {
                Some(text) => span("journal_keep", &text)?,
                None => TimeDelta::from_days(14),
            },
            journal_max_bytes: flags.journal_max_bytes.or(file.journal_max_bytes).unwrap_or(20_000_000_000),
            intake_events: flags.intake_events.or(file.intake_events).unwrap_or(50_000).max(1),
            backup: backup_plan(
                flags.backup_dir.or(file.backup_dir),
                flags.backup_every.or(file.backup_every),
                flags.backup_keep.or(file.backup_keep),
            )?,
            archive_dir: flags.archive_dir.or(file.archive_dir),
            records_keep: records_keep(flags.records_keep.or(file.records_keep))?,
            data_dir,
            accept_loss: flags.accept_loss || file.accept_loss,
            web: WebConfig::resolve(
                flags.web,
                WebFile {
                    allowed_hosts: file.allowed_hosts,
                    allowed_origins: file.allowed_origins,
                    trusted_proxies: file.trusted_proxies,
                    tls: file.tls,
                    http: file.http,
                    silences: file.silences,
                },
            )?,
            accept_clock: flags.accept_clock || file.accept_clock,
            standby: flags.standby || file.standby,
            take_over: flags.take_over,
            log_json: flags.log_json || file.log_json,
        })
    }
}

impl Config {
    /// Where it is noted how far inputs were acknowledged: beside the embedded database, else in the data directory.
    pub fn mark_dir(&self) -> PathBuf {
        let path = self.database_url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        let path = path.map(|path| Path::new(path.split('?').next().unwrap_or_default()));
        path.and_then(Path::parent).map_or_else(|| self.data_dir.clone(), Path::to_owned)
    }
}

fn records_keep(text: Option<String>) -> Result<TimeDelta, ConfigError> {
    let Some(text) = text else { return Ok(TimeDelta::from_days(365)) };
    let keep = span("records_keep", &text)?;
    if keep >= TimeDelta::from_days(30) {
        return Ok(keep);
    }
    Err(ConfigError::Value { name: "records_keep", value: text, reason: "expected 30d or more".to_owned() })
}

fn backup_plan(
    directory: Option<PathBuf>,
    every: Option<String>,
    keep: Option<usize>,
) -> Result<Option<BackupPlan>, ConfigError> {
    let Some(directory) = directory else {
        let orphan = every.map(|every| ("backup_every", every)).or(keep.map(|keep| ("backup_keep", keep.to_string())));
        return match orphan {
            Some((name, value)) => {
                Err(ConfigError::Value { name, value, reason: "it needs a directory: backup_dir".to_owned() })
            }
            None => Ok(None),
        };
    };
    let text = every.unwrap_or_else(|| "24h".to_owned());
    let every = span("backup_every", &text)?;
    if every < TimeDelta::from_minutes(1) {
        let reason = "expected 1m or more".to_owned();
        return Err(ConfigError::Value { name: "backup_every", value: text, reason });
    }
    Ok(Some(BackupPlan { directory, every, keep: keep.unwrap_or(7).max(1) }))
}

fn read_file(named: Option<&Path>) -> Result<ConfigFile, ConfigError> {
    let path = named.unwrap_or(Path::new("watchfire.yaml"));
    if named.is_none() && !path.exists() {
        return Ok(ConfigFile::default());
    }
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: shown.clone(), reason: error.to_string() })?;
    if text.trim().is_empty() {
        return Ok(ConfigFile::default());
    }
    serde_saphyr::from_str(&text).map_err(|error| ConfigError::Malformed { path: shown, reason: error.to_string() })
}

fn address(name: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError::Value {
        name,
        value: text.to_owned(),
        reason: "expected an address and a port, for example 127.0.0.1:7247 or [::]:7247".to_owned(),
    })
}

fn at_least_a_second(name: &'static str, text: &str) -> Result<TimeDelta, ConfigError> {
    let read = span(name, text)?;
    if read >= TimeDelta::from_seconds(1) {
        return Ok(read);
    }
    Err(ConfigError::Value { name, value: text.to_owned(), reason: "expected 1s or more".to_owned() })
}

/// Notices carry it to people: what is no address would make links that lead nowhere.
fn external_url(url: Option<String>) -> Result<Option<String>, ConfigError> {
    match url {
        Some(url) if !is_web_address(&url) => Err(ConfigError::Value {
            name: "external_url",
            value: url,
            reason: "expected http://host or https://host, with a port or a path if need be".to_owned(),
        }),
        url => Ok(url),
    }
}

fn is_web_address(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()))
}

fn heartbeat_url(url: Option<String>) -> Result<Option<String>, ConfigError> {
    match url {
        Some(url) if !is_web_address(&url) => Err(ConfigError::Value {
            name: "heartbeat_url",
            value: "…".to_owned(),
            reason: "expected http://host/… or https://host/…".to_owned(),
        }),
        url => Ok(url),
    }
}

fn smtp(given: Smtp) -> Result<Option<SmtpConfig>, ConfigError> {
    let missing = |name: &'static str, reason: &str| {
        Err(ConfigError::Value { name, value: String::new(), reason: reason.to_owned() })
    };
    let Smtp { url, from, hello_name, message_id_domain, ca_file } = given;
    match (url, from) {
        (None, None) => Ok(None),
        (Some(url), Some(from)) => Ok(Some(SmtpConfig { url, from, hello_name, message_id_domain, ca_file })),
        (Some(_), None) => missing("smtp.from", "a mail server needs a sender, for example noc@example.com"),
        (None, Some(_)) => missing("smtp.url", "a sender needs a mail server, for example smtp://mail.example.com"),
    }
}

fn ack_link_valid(text: Option<String>) -> Result<TimeDelta, ConfigError> {
    const NAME: &str = "ack_link_valid";
    let Some(text) = text else { return Ok(TimeDelta::from_hours(24)) };
    let valid = span(NAME, &text)?;
    if (TimeDelta::from_minutes(1)..=TimeDelta::from_days(30)).contains(&valid) {
        return Ok(valid);
    }
    Err(ConfigError::Value { name: NAME, value: text, reason: "expected 1m to 30d".to_owned() })
}

fn rules_dir(named: Option<PathBuf>) -> Result<Option<PathBuf>, ConfigError> {
    match named {
        Some(path) if path.is_dir() => Ok(Some(path)),
        Some(path) => Err(ConfigError::Value {
            name: "rules",
            value: path.display().to_string(),
            reason: "there is no such directory".to_owned(),
        }),
        None => Ok(Some(PathBuf::from("rules")).filter(|path| path.is_dir())),
    }
}

fn mqtt_listen(text: Option<String>, has_broker: bool) -> Result<MqttListen, ConfigError> {
    match text.as_deref() {
        Some("off") => Ok(MqttListen::Off),
        Some(text) => address("mqtt_listen", text).map(MqttListen::Fixed),
        None if has_broker => Ok(MqttListen::Off),
        None => address("mqtt_listen", MQTT_LISTEN_DEFAULT).map(MqttListen::Default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_loopback_and_a_broker_replaces_the_built_in_intake() {
        let config = Config::resolve(ServeFlags::default()).unwrap();
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config.mqtt_listen, MqttListen::Default(MQTT_LISTEN_DEFAULT.parse().unwrap()));
        let flags = ServeFlags { mqtt_url: Some("mqtt://127.0.0.1".to_owned()), ..ServeFlags::default() };
        assert_eq!(Config::resolve(flags).unwrap().mqtt_listen, MqttListen::Off);
    }

    #[test]
    fn mistakes_name_the_setting_and_the_value() {
        let check = |flags: ServeFlags, expected: &str| {
            let error = Config::resolve(flags).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with(expected), "{error:?}");
        };
        check(ServeFlags { listen: Some("7247".to_owned()), ..ServeFlags::default() }, "listen = \"7247\"");
        check(ServeFlags { journal_keep: Some("14".to_owned()), ..ServeFlags::default() }, "journal_keep = \"14\"");
        let every = ServeFlags { heartbeat_every: Some("0s".to_owned()), ..ServeFlags::default() };
        check(every, "heartbeat_every = \"0s\"");
        let nowhere = ServeFlags { external_url: Some("watch.example.com".to_owned()), ..ServeFlags::default() };
        check(nowhere, "external_url = \"watch.example.com\"");
        let secret = ServeFlags { heartbeat_url: Some("ftp://secret".to_owned()), ..ServeFlags::default() };
        check(secret, "heartbeat_url = \"…\"");
        check(ServeFlags { rules: Some("no-such-dir".into()), ..ServeFlags::default() }, "rules = \"no-such-dir\"");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watchfire.yaml");
        std::fs::write(&path, "listen: 127.0.0.1:1\nlissten: x\n").unwrap();
        let flags = ServeFlags { config: Some(path), ..ServeFlags::default() };
        let error = Config::resolve(flags).err().unwrap().to_string();
        assert!(error.contains("lissten") && error.contains('2'), "{error}");
    }
}
