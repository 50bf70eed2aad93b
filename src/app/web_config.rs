//! The settings of the HTTP listener: names, proxies, TLS, bounds, and how far each role may silence.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::config_error::{ConfigError, span};
use super::serve::connections::ConnectionLimits;
use super::serve::http_server::HttpLimits;
use super::serve::tls_server::TlsFiles;
use crate::api::{Proxies, RequestLimits, RoleKind, SilenceBound, SilenceBounds};
use crate::core::model::TimeDelta;

/// The flags of `serve` for it.
#[derive(Args, Clone, Debug, Default)]
pub struct WebFlags {
    /// Names by which this service is reached, beside localhost, the listen address and the one of --external-url
    #[arg(long, env = "WATCHFIRE_ALLOWED_HOSTS", value_name = "NAME,…", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Pages of other sites that may use the API from a browser, as scheme://host or scheme://host:port [default: none]
    #[arg(long, env = "WATCHFIRE_ALLOWED_ORIGINS", value_name = "ORIGIN,…", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
    /// Addresses or networks of reverse proxies whose X-Forwarded-For is believed [default: none]
    #[arg(long, env = "WATCHFIRE_TRUSTED_PROXIES", value_name = "ADDR,…", value_delimiter = ',')]
    pub trusted_proxies: Vec<String>,
    /// Certificate (chain, PEM) of the HTTP listener, which then speaks HTTPS only (in the file: tls: {certificate, key})
    #[arg(long, env = "WATCHFIRE_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key (PEM) of that certificate
    #[arg(long, env = "WATCHFIRE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

/// `tls` in `watchfire.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsFile {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// `http` in `watchfire.yaml`: bounds that hold against floods.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpFile {
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    idle_timeout: Option<String>,
    write_timeout: Option<String>,
    requests_per_second: Option<u32>,
    requests_at_once: Option<usize>,
    streams: Option<usize>,
    streams_per_caller: Option<usize>,
}

/// One role under `silences` in `watchfire.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceFile {
    longest: Option<String>,
    alerts: Option<usize>,
    broad: Option<bool>,
}

/// All of it as `watchfire.yaml` has it, at its top level.
#[derive(Debug, Default)]
pub struct WebFile {
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: Vec<String>,
    pub tls: TlsFile,
    pub http: HttpFile,
    pub silences: BTreeMap<String, SilenceFile>,
}

/// Checked.
#[derive(Clone)]
pub struct WebConfig {
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub proxies: Proxies,
    pub tls: Option<TlsFiles>,
    pub limits: HttpLimits,
    pub requests: RequestLimits,
    pub silences: SilenceBounds,
}

impl WebConfig {
    /// Flags (and their environment) over the file over the defaults.
    pub fn resolve(flags: WebFlags, file: WebFile) -> Result<WebConfig, ConfigError> {
        let or = |flag: Vec<String>, file: Vec<String>| if flag.is_empty() { file } else { flag };
        let proxies = Proxies::parse(&or(flags.trusted_proxies, file.trusted_proxies)).map_err(|text| {
            bad("trusted_proxies", text, "expected an address or a network, for example 10.0.0.5 or 10.1.0.0/16")
        })?;
        let standard = RequestLimits::STANDARD;
        Ok(WebConfig {
            allowed_hosts: or(flags.allowed_hosts, file.allowed_hosts),
            allowed_origins: origins(or(flags.allowed_origins, file.allowed_origins))?,
            proxies,
            tls: tls(flags.tls_certificate.or(file.tls.certificate), flags.tls_key.or(file.tls.key))?,
            limits: limits(&file.http)?,
            requests: RequestLimits {
                per_second: file.http.requests_per_second.unwrap_or(standard.per_second).max(1),
                at_once: file.http.requests_at_once.unwrap_or(standard.at_once).max(1),
                streams: file.http.streams.unwrap_or(standard.streams),
                streams_each: file.http.streams_per_caller.unwrap_or(standard.streams_each),
            },
            silences: silences(file.silences)?,
        })
    }
}

fn limits(file: &HttpFile) -> Result<HttpLimits, ConfigError> {
    let timeout = |name: &'static str, text: &Option<String>| {
        let Some(text) = text else { return Ok(Duration::from_secs(30)) };
        let read = span(name, text)?;
        if (TimeDelta::from_seconds(1)..=TimeDelta::from_hours(1)).contains(&read) {
            return Ok(read.to_std());
        }
        Err(bad(name, text.clone(), "expected 1s to 1h"))
    };
    let total = file.connections.unwrap_or(4_096).max(16);
    Ok(HttpLimits {
        connections: ConnectionLimits { total, per_address: file.connections_per_address.unwrap_or(total / 4).max(1) },
        idle_timeout: timeout("http.idle_timeout", &file.idle_timeout)?,
        write_timeout: timeout("http.write_timeout", &file.write_timeout)?,
    })
}

pub(super) fn tls(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>, ConfigError> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key, client_authorities: None })),
        (Some(_), None) => Err(bad("tls.key", String::new(), "a certificate needs its private key")),
        (None, Some(_)) => Err(bad("tls.certificate", String::new(), "a private key needs its certificate")),
    }
}

/// As browsers write them: in lower case, without a path.
fn origins(texts: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let one = |text: String| {
        let url = reqwest::Url::parse(&text).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
        match url {
            Some(url) if url.path() == "/" && url.query().is_none() => Ok(url.origin().ascii_serialization()),
            Some(_) | None => {
                Err(bad("allowed_origins", text, "expected scheme://host, with a port if need be, and no path"))
            }
        }
    };
    texts.into_iter().map(one).collect()
}

fn silences(files: BTreeMap<String, SilenceFile>) -> Result<SilenceBounds, ConfigError> {
    let mut bounds = SilenceBounds::standard();
    for (name, file) in files {
        let role = RoleKind::ALL.into_iter().find(|role| role.as_str() == name);
        let Some(role) = role else {
            return Err(bad("silences", name, "expected a role; `watchfire token roles` lists them"));
        };
        let standard = bounds.of(role);
        bounds.set(
            role,
            SilenceBound {
                longest: match &file.longest {
                    Some(text) => Some(span("silences.….longest", text)?),
                    None => standard.longest,
                },
                alerts: file.alerts.or(standard.alerts),
                broad: file.broad.unwrap_or(standard.broad),
            },
        );
    }
    Ok(bounds)
}

fn bad(name: &'static str, value: String, reason: &str) -> ConfigError {
    ConfigError::Value { name, value, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_name_the_setting() {
        let check = |flags: WebFlags, file: WebFile, expected: &str| {
            let error = WebConfig::resolve(flags, file).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with(expected), "{error:?}");
        };
        let proxied = WebFlags { trusted_proxies: vec!["nginx".to_owned()], ..WebFlags::default() };
        check(proxied, WebFile::default(), "trusted_proxies = \"nginx\"");
        let half = WebFlags { tls_key: Some("key.pem".into()), ..WebFlags::default() };
        check(half, WebFile::default(), "tls.certificate");
        let path = WebFlags { allowed_origins: vec!["https://a.example/x".to_owned()], ..WebFlags::default() };
        check(path, WebFile::default(), "allowed_origins = \"https://a.example/x\"");
        let http = HttpFile { write_timeout: Some("0s".to_owned()), ..HttpFile::default() };
        check(WebFlags::default(), WebFile { http, ..WebFile::default() }, "http.write_timeout");
        let silences = BTreeMap::from([("boss".to_owned(), SilenceFile::default())]);
        check(WebFlags::default(), WebFile { silences, ..WebFile::default() }, "silences = \"boss\"");
    }

    #[test]
    fn the_file_changes_what_it_names_and_nothing_else() {
        let file = WebFile {
            http: HttpFile { connections: Some(100), streams: Some(9), ..HttpFile::default() },
            silences: BTreeMap::from([(
                "first_line".to_owned(),
                SilenceFile { longest: Some("2h".to_owned()), ..SilenceFile::default() },
            )]),
            ..WebFile::default()
        };
        let config = WebConfig::resolve(WebFlags::default(), file).unwrap();
        assert_eq!((config.limits.connections.total, config.limits.connections.per_address), (100, 25));
        assert_eq!((config.requests.streams, config.requests.at_once), (9, RequestLimits::STANDARD.at_once));
        let first = config.silences.of(RoleKind::First);
        assert_eq!((first.longest, first.broad), (Some(TimeDelta::from_hours(2)), false));
    }
}
