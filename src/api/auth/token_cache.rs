//! The tokens in force: a copy of the store's, read again every few seconds, compared by hash.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{Rate, Rates};
use crate::api::Now;
use crate::core::model::{Moment, Span};
use crate::store::{Role, Store, TokenRow};

/// How old the copy may be: as long does a revoked token still pass.
const FRESH_FOR: Span = Span::from_seconds(3);
/// How often unknown tokens make us look into the store again, so that bad ones cannot hammer it.
const MISSES: Rate = Rate { burst: 5, per_second: 1 };

/// Who is asking, once known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's name: the actor in the audit.
    pub name: String,
    pub role: Role,
}

/// What a secret (or none) is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Granted(Caller),
    /// No such token, or a token is needed and none was shown.
    Refused,
    /// The tokens could not be read yet, so nobody can be told apart.
    Unavailable,
}

/// The tokens, shared by every door. Works without HTTP, for the MQTT listener.
pub struct Keyring {
    store: Store,
    now: Now,
    /// Whether a service without any token lets everybody in (bound to loopback only).
    open_allowed: bool,
    tokens: Mutex<Option<Arc<Tokens>>>,
    refreshing: tokio::sync::Mutex<()>,
    misses: Rates<()>,
}

struct Tokens {
    read_at: Moment,
    rows: Vec<TokenRow>,
}

impl Keyring {
    /// Reads nothing yet; the first question does.
    pub fn new(store: Store, now: Now, open_allowed: bool) -> Keyring {
        let misses = Rates::new(MISSES, 1);
        Keyring { store, now, open_allowed, tokens: Mutex::default(), refreshing: Default::default(), misses }
    }

    /// Whose token this is; everybody is an anonymous admin while the service is open.
    pub async fn admit(&self, secret: Option<&str>) -> Admission {
        let Some(tokens) = self.fresh().await else { return Admission::Unavailable };
        if self.open_allowed && tokens.rows.is_empty() {
            return Admission::Granted(Caller { name: "anonymous".to_owned(), role: Role::Admin });
        }
        let Some(secret) = secret else { return Admission::Refused };
        let digest = token_digest(secret);
        if let Some(caller) = tokens.find(&digest) {
            return Admission::Granted(caller);
        }
        if self.misses.take(&(), (self.now)()).is_ok() {
            let again = self.refresh(tokens.read_at).await;
            if let Some(caller) = again.and_then(|tokens| tokens.find(&digest)) {
                return Admission::Granted(caller);
            }
        }
        Admission::Refused
    }

    /// The name and role behind a password, for doors that know nothing of HTTP.
    pub async fn authenticate(&self, password: &str) -> Option<(String, Role)> {
        match self.admit(Some(password)).await {
            Admission::Granted(caller) => Some((caller.name, caller.role)),
            Admission::Refused | Admission::Unavailable => None,
        }
    }

    /// Whether everybody is let in now: allowed, and the store holds no token, not even a revoked one.
    pub async fn is_open(&self) -> bool {
        self.open_allowed && self.fresh().await.is_some_and(|tokens| tokens.rows.is_empty())
    }

    /// The copy, read again if it is old. One reads, the others go on with the old one.
    async fn fresh(&self) -> Option<Arc<Tokens>> {
        match self.copy() {
            None => self.refresh(Moment::FAR_FUTURE).await,
            Some(tokens) if (self.now)().since(tokens.read_at) <= FRESH_FOR => Some(tokens),
            Some(tokens) if self.refreshing.try_lock().is_err() => Some(tokens),
            Some(tokens) => self.refresh(tokens.read_at).await,
        }
    }

    /// Reads the store, unless somebody did since `seen`. A store that cannot be read leaves the old copy in force,
    /// marked as read now, so that the next try waits its turn.
    async fn refresh(&self, seen: Moment) -> Option<Arc<Tokens>> {
        let _turn = self.refreshing.lock().await;
        let old = self.copy();
        if let Some(tokens) = old.as_ref().filter(|tokens| tokens.read_at > seen) {
            return Some(Arc::clone(tokens));
        }
        let read_at = (self.now)();
        let rows = match self.store.tokens().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "tokens cannot be read; the last known ones stay in force");
                old?.rows.clone()
            }
        };
        let tokens = Arc::new(Tokens { read_at, rows });
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&tokens));
        Some(tokens)
    }

    fn copy(&self) -> Option<Arc<Tokens>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tokens {
    fn find(&self, digest: &[u8; 32]) -> Option<Caller> {
        let row = self.rows.iter().find(|row| row.revoked_at.is_none() && equal(&row.sha256, digest))?;
        Some(Caller { name: row.name.clone(), role: row.role.clone() })
    }
}

/// A new secret of 256 random bits as people copy it, and the hash that is stored. Fails only without a random source.
pub fn new_token() -> Result<(String, [u8; 32]), getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    let mut secret = String::from("wf_");
    for byte in bytes {
        secret.push_str(&format!("{byte:02x}"));
    }
    let digest = token_digest(&secret);
    Ok((secret, digest))
}

/// What the store keeps of a secret.
pub fn token_digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Looks at every byte whatever the first ones are, so that time tells nothing.
fn equal(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let difference = left.iter().zip(right).fold(0, |difference, (left, right)| difference | (left ^ right));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_tokens_differ_and_hash_to_what_is_stored() {
        let (one, digest) = new_token().unwrap();
        let (two, other) = new_token().unwrap();
        assert!(one.starts_with("wf_") && one.len() == 67, "{one}");
        assert_ne!(one, two);
        assert_eq!(token_digest(&one), digest);
        assert!(equal(&digest, &digest) && !equal(&digest, &other));
    }
}
