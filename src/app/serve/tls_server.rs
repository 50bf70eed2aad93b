//! TLS of our own listeners: certificate and key from PEM files, loaded again without dropping a connection.
//!
//! A connection keeps the certificate that it began with; the next one gets the newest that could be loaded.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::core::model::Timestamp;

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest file that is read: a chain of certificates is a few KiB.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Where the certificate of a listener is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The listener's own certificate first, then those that lead to an authority.
    pub certificate: PathBuf,
    /// The private key of that certificate.
    pub key: PathBuf,
    /// Authorities whose client certificates are believed. A client that shows none comes in all the same and must say
    /// by other means who it is; one that shows a certificate of somebody else's does not. `None`: none is asked for.
    pub client_authorities: Option<PathBuf>,
}

/// Why the files make no TLS server.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path}: {reason}; expected {expected}")]
    Malformed { path: String, reason: String, expected: &'static str },
    #[error("{certificate} and {key} do not go together: {reason}")]
    Unfit { certificate: String, key: String, reason: String },
}

/// A listener's TLS. Shared by everything that accepts on it.
pub struct TlsServer {
    files: TlsFiles,
    loaded: ArcSwap<LoadedCertificate>,
}

struct LoadedCertificate {
    /// Of all files together: whether they have changed.
    digest: [u8; 32],
    config: Arc<ServerConfig>,
    validity: Validity,
}

/// From when to when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl TlsServer {
    /// Reads the files. Blocks for as long as the disk does.
    pub fn load(files: TlsFiles) -> Result<TlsServer, BadTls> {
        let loaded = FileContents::read(&files)?.loaded(&files)?;
        Ok(TlsServer { files, loaded: ArcSwap::from_pointee(loaded) })
    }

    /// Reads the files again; answers whether they have changed. On an error the old certificate stays in use. Blocks
    /// for as long as the disk does.
    pub fn reload(&self) -> Result<bool, BadTls> {
        let contents = FileContents::read(&self.files)?;
        if contents.digest() == self.loaded.load().digest {
            return Ok(false);
        }
        self.loaded.store(Arc::new(contents.loaded(&self.files)?));
        Ok(true)
    }

    /// What a connection that begins now is served with.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.loaded.load().config)
    }

    /// Of the certificate in use.
    pub fn validity(&self) -> Validity {
        self.loaded.load().validity
    }

    pub fn certificate_path(&self) -> &Path {
        &self.files.certificate
    }

    /// The handshake, which may take 10 s.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let shaking = TlsAcceptor::from(self.config()).accept(stream);
        tokio::time::timeout(HANDSHAKE_TIMEOUT, shaking).await.unwrap_or_else(|_| {
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the TLS handshake did not end in time"))
        })
    }
}

/// The bytes of the files, read at one time.
struct FileContents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_authorities: Option<Vec<u8>>,
}

impl FileContents {
    fn read(files: &TlsFiles) -> Result<FileContents, BadTls> {
        Ok(FileContents {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_authorities: files.client_authorities.as_deref().map(read).transpose()?,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [Some(&self.certificate), Some(&self.key), self.client_authorities.as_ref()].into_iter().flatten() {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn loaded(&self, files: &TlsFiles) -> Result<LoadedCertificate, BadTls> {
        let chain = certificates(&files.certificate, &self.certificate)?;
        let validity = chain.first().and_then(|own| validity_of(own)).ok_or_else(|| BadTls::Malformed {
            path: files.certificate.display().to_string(),
            reason: "its first certificate cannot be read".to_owned(),
            expected: CERTIFICATE,
        })?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| BadTls::Malformed {
            path: files.key.display().to_string(),
            reason: error.to_string(),
            expected: "a private key in PEM, without a password",
        })?;
        let builder = match (&files.client_authorities, &self.client_authorities) {
            (Some(path), Some(pem)) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(authorities(path, pem)?));
                let verifier = verifier.allow_unauthenticated().build().map_err(|error| BadTls::Malformed {
                    path: path.display().to_string(),
                    reason: error.to_string(),
                    expected: AUTHORITIES,
                })?;
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
            (Some(_), None) | (None, Some(_)) | (None, None) => ServerConfig::builder().with_no_client_auth(),
        };
        let config = builder.with_single_cert(chain, key).map_err(|error| BadTls::Unfit {
            certificate: files.certificate.display().to_string(),
            key: files.key.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(LoadedCertificate { digest: self.digest(), config: Arc::new(config), validity })
    }
}

const CERTIFICATE: &str = "certificates in PEM, the listener's own first";
const AUTHORITIES: &str = "certificates of authorities in PEM";

/// Only a regular file: a pipe would never end.
fn read(path: &Path) -> Result<Vec<u8>, BadTls> {
    let bad = |reason: String| BadTls::Unreadable { path: path.display().to_string(), reason };
    let about = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?;
    if !about.is_file() {
        return Err(bad("it is not a file".to_owned()));
    }
    let file = std::fs::File::open(path).map_err(|error| bad(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| bad(error.to_string()))?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(bad(format!("it holds more than {FILE_MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let bad = |reason: String| BadTls::Malformed { path: path.display().to_string(), reason, expected: CERTIFICATE };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| bad(error.to_string()))?;
    if chain.is_empty() { Err(bad("it holds no certificate".to_owned())) } else { Ok(chain) }
}

fn authorities(path: &Path, pem: &[u8]) -> Result<RootCertStore, BadTls> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path, pem)? {
        roots.add(authority).map_err(|error| BadTls::Malformed {
            path: path.display().to_string(),
            reason: error.to_string(),
            expected: AUTHORITIES,
        })?;
    }
    Ok(roots)
}

fn validity_of(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let moment = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds(time.timestamp());
    Some(Validity { from: moment(parsed.validity().not_before), until: moment(parsed.validity().not_after) })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair {
        certificate: String,
        key: String,
    }

    fn pair() -> Pair {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    fn files(dir: &Path) -> TlsFiles {
        crate::app::serve::install_crypto();
        TlsFiles { certificate: dir.join("cert.pem"), key: dir.join("key.pem"), client_authorities: None }
    }

    #[test]
    fn a_changed_pair_is_taken_and_a_half_changed_one_leaves_the_old_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let files = files(dir.path());
        let (old, new) = (pair(), pair());
        let write = |certificate: &str, key: &str| {
            std::fs::write(&files.certificate, certificate).unwrap();
            std::fs::write(&files.key, key).unwrap();
        };
        write(&old.certificate, &old.key);
        let server = TlsServer::load(files.clone()).unwrap();
        let first = server.config();
        assert!(!server.reload().unwrap(), "nothing has changed");
        write(&new.certificate, &old.key);
        let error = server.reload().unwrap_err().to_string();
        assert!(error.contains("do not go together"), "{error}");
        assert!(Arc::ptr_eq(&first, &server.config()));
        write(&new.certificate, &new.key);
        assert!(server.reload().unwrap());
        assert!(!Arc::ptr_eq(&first, &server.config()));
    }

    #[test]
    fn mistakes_name_the_file_and_what_belongs_there() {
        let dir = tempfile::tempdir().unwrap();
        let files = files(dir.path());
        let good = pair();
        let check = |certificate: Option<&str>, key: Option<&str>, expected: &str| {
            for (path, text) in [(&files.certificate, certificate), (&files.key, key)] {
                drop(std::fs::remove_file(path));
                text.iter().for_each(|text| std::fs::write(path, text).unwrap());
            }
            let error = TlsServer::load(files.clone()).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(expected), "{expected:?} is not in {error:?}");
        };
        check(None, Some(&good.key), "cert.pem");
        check(Some(""), Some(&good.key), "holds no certificate");
        check(Some(&good.certificate), None, "key.pem");
        check(Some(&good.certificate), Some(&good.certificate), "a private key in PEM");
        check(Some(&good.certificate), Some(&pair().key), "do not go together");
        check(Some(&"#".repeat(2 << 20)), Some(&good.key), "more than");
        let folder = TlsFiles { certificate: dir.path().to_owned(), ..files.clone() };
        assert!(TlsServer::load(folder).err().unwrap().to_string().contains("not a file"));
    }
}
