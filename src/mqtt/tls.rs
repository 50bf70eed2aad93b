//! TLS to a broker: ring, the system's authorities or a CA file, optionally our own certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::BrokerAddress;

/// Configuration errors of an encrypted connection, found before connecting.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {path}: {problem}; expected a PEM file", path = path.display())]
    File { path: PathBuf, problem: String },
    #[error("no trusted certificate authority: {problem}; name one in the broker address with ca=FILE")]
    NoAuthority { problem: String },
    #[error("our own certificate is refused: {problem}")]
    Certificate { problem: String },
}

/// The configuration for that address; `None` without TLS. Loads the files of the address.
pub(super) fn configuration(address: &BrokerAddress) -> Result<Option<Arc<ClientConfig>>, TlsError> {
    if !address.tls {
        return Ok(None);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::NoAuthority { problem: error.to_string() })?
        .with_root_certificates(authorities(address.ca.as_deref())?);
    let configuration = match &address.certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
            let chain = certificates(certificate)?;
            let refused = |error: rustls::Error| TlsError::Certificate { problem: error.to_string() };
            builder.with_client_auth_cert(chain, key).map_err(refused)?
        }
    };
    Ok(Some(Arc::new(configuration)))
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    let problem = match file {
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate).map_err(|error| unreadable(path, &error))?;
            }
            format!("{} holds none", path.display())
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            found.errors.first().map_or_else(|| "the system has none".to_owned(), ToString::to_string)
        }
    };
    if store.is_empty() { Err(TlsError::NoAuthority { problem }) } else { Ok(store) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let address: BrokerAddress = "mqtts://b?ca=/no/such/ca.pem".parse().unwrap();
        let mistake = configuration(&address).unwrap_err().to_string();
        assert!(mistake.contains("/no/such/ca.pem"), "{mistake}");
        let plain: BrokerAddress = "mqtt://b".parse().unwrap();
        assert!(configuration(&plain).unwrap().is_none());
    }
}
