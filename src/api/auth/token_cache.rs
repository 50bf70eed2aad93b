//! The tokens in force: a copy of the store's, read again every few seconds, compared by hash.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{BucketRate, Rates};
use crate::api::Now;
use crate::core::model::{TimeDelta, Timestamp};
use crate::store::{Store, TokenRole, TokenRow};

/// How old the copy may be: as long does a revoked token still pass.
const FRESH_FOR: TimeDelta = TimeDelta::from_seconds(3);
/// How often unknown tokens make us look into the store again, so that bad ones cannot hammer it.
const MISSES: BucketRate = BucketRate { burst: 5, per_second: 1 };

/// Who is asking, once known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The token's name: the actor in the audit.
    pub name: String,
    pub role: TokenRole,
}

/// Who asks while the service is open.
const ANONYMOUS: &str = "anonymous";

impl Principal {
    fn anonymous() -> Principal {
        Principal { name: ANONYMOUS.to_owned(), role: TokenRole::Admin }
    }

    /// Whether nobody is known by a token.
    pub fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS
    }
}

/// What a secret (or none) is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthOutcome {
    Granted(Principal),
    /// No such token, or a token is needed and none was shown.
    Refused,
    /// The tokens could not be read yet, so nobody can be told apart.
    Unavailable,
}

/// What tokens say of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No token was ever made for it.
    Unknown,
    Valid(TokenRole),
    Revoked,
}

/// The tokens, shared by every door. Works without HTTP, for the MQTT listener.
pub struct TokenCache {
    store: Store,
    steady: Now,
    /// Whether a service without any token lets everybody in (bound to loopback only).
    open_allowed: bool,
    tokens: Mutex<Option<Arc<Tokens>>>,
    refreshing: tokio::sync::Mutex<()>,
    misses: Rates<()>,
}

struct Tokens {
    read_at: Timestamp,
    rows: Vec<TokenRow>,
}

impl TokenCache {
    /// Reads nothing yet; the first question does.
    pub fn new(store: Store, steady: Now, open_allowed: bool) -> TokenCache {
        let misses = Rates::new(MISSES, 1);
        TokenCache { store, steady, open_allowed, tokens: Mutex::default(), refreshing: Default::default(), misses }
    }

    /// Whose token this is; everybody is an anonymous admin while the service is open.
    pub async fn admit(&self, secret: Option<&str>) -> AuthOutcome {
        let Some(tokens) = self.current().await else { return AuthOutcome::Unavailable };
        if self.open_allowed && tokens.rows.is_empty() {
            return AuthOutcome::Granted(Principal::anonymous());
        }
        let Some(secret) = secret else { return AuthOutcome::Refused };
        let digest = token_digest(secret);
        if let Some(caller) = tokens.find(&digest) {
            return AuthOutcome::Granted(caller);
        }
        if self.misses.take(&(), (self.steady)()).is_ok() {
            let again = self.reload(tokens.read_at).await;
            if let Some(caller) = again.and_then(|tokens| tokens.find(&digest)) {
                return AuthOutcome::Granted(caller);
            }
        }
        AuthOutcome::Refused
    }

    /// The name and role behind a password, for doors that know nothing of HTTP.
    pub async fn authenticate(&self, password: &str) -> Option<(String, TokenRole)> {
        match self.admit(Some(password)).await {
            AuthOutcome::Granted(caller) => Some((caller.name, caller.role)),
            AuthOutcome::Refused | AuthOutcome::Unavailable => None,
        }
    }

    /// Whether everybody is let in now: allowed, and the store holds no token, not even a revoked one.
    pub async fn is_open(&self) -> bool {
        self.open_allowed && self.current().await.is_some_and(|tokens| tokens.rows.is_empty())
    }

    /// What is known of a name: its newest token.
    pub async fn standing_of(&self, name: &str) -> Standing {
        let tokens = self.current().await;
        let row = tokens.as_ref().and_then(|tokens| tokens.rows.iter().find(|row| row.name == name));
        match row {
            None => Standing::Unknown,
            Some(TokenRow { revoked_at: Some(_), .. }) => Standing::Revoked,
            Some(row) => Standing::Valid(row.role.clone()),
        }
    }

    /// The copy, read again if it is old. One reads, the others go on with the old one.
    async fn current(&self) -> Option<Arc<Tokens>> {
        match self.cached() {
            None => self.reload(Timestamp::FAR_FUTURE).await,
            Some(tokens) if (self.steady)().since(tokens.read_at) <= FRESH_FOR => Some(tokens),
            Some(tokens) if self.refreshing.try_lock().is_err() => Some(tokens),
            Some(tokens) => self.reload(tokens.read_at).await,
        }
    }

    /// Reads the store, unless somebody did since `seen`. A store that cannot be read leaves the old copy in force,
    /// marked as read now, so that the next try waits its turn.
    async fn reload(&self, seen: Timestamp) -> Option<Arc<Tokens>> {
        let _turn = self.refreshing.lock().await;
        let old = self.cached();
        if let Some(tokens) = old.as_ref().filter(|tokens| tokens.read_at > seen) {
            return Some(Arc::clone(tokens));
        }
        let read_at = (self.steady)();
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

    fn cached(&self) -> Option<Arc<Tokens>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tokens {
    fn find(&self, digest: &[u8; 32]) -> Option<Principal> {
        let row = self.rows.iter().find(|row| row.revoked_at.is_none() && equal(&row.sha256, digest))?;
        Some(Principal { name: row.name.clone(), role: row.role.clone() })
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
