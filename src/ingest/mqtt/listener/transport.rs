//! The bytes of a connection, in clear or by TLS, and the certificate that a client showed.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::refusal::ConnectRefusal;

pub(super) type ReadHalf = Box<dyn AsyncRead + Send + Unpin>;
pub(super) type WriteHalf = Box<dyn AsyncWrite + Send + Unpin>;

/// The TLS that holds now: asked for each connection, so that a renewed certificate needs no restart.
pub type TlsInForce = Arc<dyn Fn() -> Arc<rustls::ServerConfig> + Send + Sync>;

/// Whom a client's certificate names, vouched for by an authority that we trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    pub common_name: Option<String>,
    /// Names of hosts, addresses of mail, and URIs, in their order.
    pub alternative_names: Vec<String>,
}

/// An open connection.
pub(super) struct Transport {
    pub reader: ReadHalf,
    pub writer: WriteHalf,
    pub certificate: Option<ClientCertificate>,
}

pub(super) async fn open(
    stream: TcpStream,
    tls: Option<&TlsInForce>,
    patience: Duration,
) -> Result<Transport, ConnectRefusal> {
    let Some(tls) = tls else {
        let (reader, writer) = stream.into_split();
        return Ok(Transport { reader: Box::new(reader), writer: Box::new(writer), certificate: None });
    };
    let accepting = TlsAcceptor::from(tls()).accept(stream);
    let stream = match tokio::time::timeout(patience, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            return Err(ConnectRefusal::Tls);
        }
        Err(_) => return Err(ConnectRefusal::Tls),
    };
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = shown.and_then(names);
    let (reader, writer) = tokio::io::split(stream);
    Ok(Transport { reader: Box::new(reader), writer: Box::new(writer), certificate })
}

fn names(certificate: &CertificateDer<'_>) -> Option<ClientCertificate> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let common_name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let alternative_names = match certificate.subject_alternative_name() {
        Ok(Some(names)) => names.value.general_names.iter().filter_map(name_of).collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    Some(ClientCertificate { common_name: common_name.map(str::to_owned), alternative_names })
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => Some((*name).to_owned()),
        // Nothing that a token could be called.
        _ => None,
    }
}
