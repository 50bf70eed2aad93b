//! Settings of the built-in MQTT intake beside its address: how much it takes, its TLS, and whom a client's certificate
//! stands for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::config::ConfigError;
use super::serve::tls_server::TlsFiles;
use crate::ingest::mqtt::ClientCertificate;

/// As flags, each also under `mqtt_intake:` of `watchfire.yaml` and as `WATCHFIRE_MQTT_…`.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MqttIntakeSettings {
    /// Connections that the built-in MQTT intake takes [default: 1024]
    #[arg(id = "mqtt_connections", long = "mqtt-connections", env = "WATCHFIRE_MQTT_CONNECTIONS", value_name = "N")]
    pub connections: Option<usize>,
    /// Of these, from one address; as many as there are devices behind one gateway or address translator [default: 256]
    #[arg(
        id = "mqtt_connections_per_address",
        long = "mqtt-connections-per-address",
        env = "WATCHFIRE_MQTT_CONNECTIONS_PER_ADDRESS",
        value_name = "N"
    )]
    pub connections_per_address: Option<usize>,
    /// Certificate (PEM, its own first) of the built-in MQTT intake, which then speaks TLS only; needs --mqtt-tls-key
    #[arg(
        id = "mqtt_tls_certificate",
        long = "mqtt-tls-certificate",
        env = "WATCHFIRE_MQTT_TLS_CERTIFICATE",
        value_name = "FILE"
    )]
    pub tls_certificate: Option<PathBuf>,
    /// Private key (PEM) of that certificate
    #[arg(id = "mqtt_tls_key", long = "mqtt-tls-key", env = "WATCHFIRE_MQTT_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Authorities (PEM) whose client certificates log in: the token of that name says what the client may do, and
    /// revoking it locks the client out
    #[arg(id = "mqtt_client_ca", long = "mqtt-client-ca", env = "WATCHFIRE_MQTT_CLIENT_CA", value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// Where in a client's certificate the token's name stands [default: common-name]
    #[arg(
        id = "mqtt_client_name",
        long = "mqtt-client-name",
        env = "WATCHFIRE_MQTT_CLIENT_NAME",
        value_name = "WHERE",
        value_enum
    )]
    pub client_name: Option<ClientName>,
}

/// Where a client's certificate names its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ClientName {
    /// The common name of its subject.
    #[default]
    CommonName,
    /// The first of its alternative names that is a host's name, an address of mail, or a URI.
    AlternativeName,
}

/// The checked settings.
#[derive(Clone, Debug)]
pub struct MqttIntake {
    pub connections: usize,
    pub connections_per_address: usize,
    pub tls: Option<TlsFiles>,
    pub client_name: ClientName,
}

impl MqttIntakeSettings {
    /// These over those of the file over the defaults.
    pub fn over(self, file: MqttIntakeSettings) -> Result<MqttIntake, ConfigError> {
        let connections = self.connections.or(file.connections).unwrap_or(1_024).max(1);
        let per_address = self.connections_per_address.or(file.connections_per_address).unwrap_or(256);
        let certificate = self.tls_certificate.or(file.tls_certificate);
        let key = self.tls_key.or(file.tls_key);
        let client_authorities = self.client_ca.or(file.client_ca);
        let missing = |name: &'static str, reason: &str| {
            Err(ConfigError::Value { name, value: String::new(), reason: reason.to_owned() })
        };
        let tls = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key, client_authorities }),
            (Some(_), None) => return missing("mqtt_intake.tls_key", "a certificate needs its private key"),
            (None, Some(_)) => return missing("mqtt_intake.tls_certificate", "a private key needs its certificate"),
            (None, None) if client_authorities.is_some() => {
                return missing(
                    "mqtt_intake.tls_certificate",
                    "client certificates need TLS: give a certificate and key",
                );
            }
            (None, None) => None,
        };
        Ok(MqttIntake {
            connections,
            connections_per_address: per_address.clamp(1, connections),
            tls,
            client_name: self.client_name.or(file.client_name).unwrap_or_default(),
        })
    }
}

impl ClientName {
    /// The token that a certificate names.
    pub fn token_of(self, certificate: &ClientCertificate) -> Option<&str> {
        match self {
            ClientName::CommonName => certificate.common_name.as_deref(),
            ClientName::AlternativeName => certificate.alternative_names.first().map(String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_the_file_and_halves_of_tls_are_refused() {
        let file = || MqttIntakeSettings {
            connections: Some(500),
            tls_certificate: Some("cert.pem".into()),
            tls_key: Some("key.pem".into()),
            ..MqttIntakeSettings::default()
        };
        let flags = MqttIntakeSettings { connections_per_address: Some(9_999), ..MqttIntakeSettings::default() };
        let settings = flags.over(file()).unwrap();
        assert_eq!((settings.connections, settings.connections_per_address), (500, 500));
        assert!(settings.tls.is_some());
        let check = |half: MqttIntakeSettings, expected: &str| {
            let error = MqttIntakeSettings::default().over(half).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check(MqttIntakeSettings { tls_key: None, ..file() }, "mqtt_intake.tls_key");
        check(MqttIntakeSettings { tls_certificate: None, ..file() }, "mqtt_intake.tls_certificate");
        let only_clients = MqttIntakeSettings { client_ca: Some("ca.pem".into()), ..MqttIntakeSettings::default() };
        check(only_clients, "mqtt_intake.tls_certificate");
    }
}
