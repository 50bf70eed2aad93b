//! Authentication and permission of devices, decided by the caller.

use super::transport::ClientCertificate;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What a client shows of who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Both empty when not given. The password is a token; any user name goes with it.
    pub user: String,
    pub password: String,
    /// Vouched for by an authority that the listener trusts.
    pub certificate: Option<ClientCertificate>,
}

/// Decides whether a client may come in, and what it may do.
pub type Authenticate =
    Arc<dyn Fn(Credentials) -> BoxFuture<'static, Result<PublishPermission, AuthError>> + Send + Sync>;

/// What a client that came in may do.
#[derive(Clone)]
pub struct PublishPermission {
    /// The token's name, for the reasons of refusals.
    pub name: String,
    /// Whether it may publish on that topic; what it may not is refused in the words of its version.
    pub may_publish: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// Why a client stays outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// No such token.
    BadCredentials,
    /// A token without the right to publish.
    NotAuthorised,
    /// Tokens cannot be looked up now.
    Unavailable,
}

impl PublishPermission {
    /// Everything, for an open listener on loopback.
    pub fn everything(name: &str) -> PublishPermission {
        PublishPermission { name: name.to_owned(), may_publish: Arc::new(|_: &str| true) }
    }
}
