//! TLS checks: the remaining validity of a certificate, whatever its issuer.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::observation::Observation;
use crate::core::model::{TimeDelta, Timestamp};

/// Reads certificates, and reports in the evidence if they would be trusted.
pub(super) struct CertificateReader {
    connector: TlsConnector,
    /// Without authorities on this system trust is unknown.
    trust: Option<Arc<WebPkiServerVerifier>>,
}

impl CertificateReader {
    pub fn new(provider: &Arc<CryptoProvider>, roots: RootCertStore) -> CertificateReader {
        let config = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .expect("ring has cipher suites of every version")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate { provider: Arc::clone(provider) }))
            .with_no_client_auth();
        let trust = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().ok();
        CertificateReader { connector: TlsConnector::from(Arc::new(config)), trust }
    }

    /// Compares the end of the certificate at `host:port` with the two limits. The value is in days.
    pub async fn check(
        &self,
        address: &str,
        warn_below: TimeDelta,
        fail_below: TimeDelta,
        now: Timestamp,
    ) -> Observation {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
        let Ok(name) = ServerName::try_from(host.to_owned()) else {
            return Observation::fail(format!("{address:?} is not an address; expected host:port"));
        };
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) => return Observation::fail(format!("cannot connect to {address}: {error}")),
        };
        let stream = match self.connector.connect(name.clone(), stream).await {
            Ok(stream) => stream,
            Err(error) => return Observation::fail(format!("no TLS at {address}: {error}")),
        };
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let Some((leaf, rest)) = chain.split_first() else {
            return Observation::fail(format!("{address} showed no certificate"));
        };
        let Ok((_, parsed)) = X509Certificate::from_der(leaf) else {
            return Observation::fail(format!("{address} showed a certificate that cannot be read"));
        };
        let ends_at = Timestamp::from_seconds(parsed.validity().not_after.timestamp());
        let distrust = self.distrust(leaf, rest, &name, now);
        verdict(address, &parsed.subject().to_string(), ends_at, now, warn_below, fail_below, &distrust)
    }

    fn distrust(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: Timestamp,
    ) -> String {
        let Some(trust) = &self.trust else { return "; trust not checked: this system has no authorities".to_owned() };
        let seconds = now.as_micros().unsigned_abs() / 1_000_000;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        match trust.verify_server_cert(leaf, rest, name, &[], now) {
            Ok(_) => String::new(),
            Err(error) => format!("; clients would not trust it: {error}"),
        }
    }
}

fn verdict(
    address: &str,
    subject: &str,
    ends_at: Timestamp,
    now: Timestamp,
    warn_below: TimeDelta,
    fail_below: TimeDelta,
    distrust: &str,
) -> Observation {
    let left = ends_at.since(now);
    let days = left.as_seconds_f64() / 86_400.0;
    let whole_days = days.floor();
    let told = if ends_at <= now {
        format!("the certificate of {subject} at {address} expired at {ends_at:.0}{distrust}")
    } else {
        format!("the certificate of {subject} at {address} expires in {whole_days}d, at {ends_at:.0}{distrust}")
    };
    let seen = if ends_at <= now || left < fail_below {
        Observation::fail(told)
    } else if left < warn_below {
        Observation::warn(told)
    } else {
        Observation::pass(told)
    };
    seen.with_value(days)
}

/// Accepts every certificate, because this connection neither sends nor trusts data: it only reads the dates, and must
/// be able to see an expired or foreign certificate. Signatures are still checked, so that the certificate shown is the
/// one in use.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::inspections::ItemOutcome;

    #[test]
    fn the_two_limits_and_the_end_decide() {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let check = |days: i64, outcome: ItemOutcome, told: &str| {
            let ends_at = Timestamp::from_micros(now.as_micros() + days * 86_400_000_000);
            let (warn, fail) = (TimeDelta::from_days(30), TimeDelta::from_days(7));
            let seen = verdict("h:443", "CN=门户", ends_at, now, warn, fail, "; self-signed");
            assert_eq!(seen.outcome, outcome, "{days}");
            assert!(seen.evidence.contains(told) && seen.evidence.contains("CN=门户"), "{}", seen.evidence);
            assert!(seen.evidence.ends_with("; self-signed"), "{}", seen.evidence);
        };
        check(90, ItemOutcome::Pass, "expires in 90d, at 2026-05-30T00:00:00Z");
        check(30, ItemOutcome::Pass, "expires in 30d");
        check(29, ItemOutcome::Warn, "expires in 29d");
        check(6, ItemOutcome::Fail, "expires in 6d");
        check(0, ItemOutcome::Fail, "expired at 2026-03-01T00:00:00Z");
        check(-3, ItemOutcome::Fail, "expired at 2026-02-26T00:00:00Z");
    }
}
