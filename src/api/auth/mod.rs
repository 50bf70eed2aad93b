//! Who may pass which door: credentials, the keyring of tokens, roles, rates, and the guard before every handler.
//!
//! Must never keep or log a secret; only its SHA-256 is ever compared or stored.

mod credentials;
mod middleware;
mod origin;
pub(crate) mod permission;
mod rate_limit;
mod token_cache;

pub use permission::{Permission, RoleKind};
pub use token_cache::{AuthOutcome, Principal, TokenCache, new_token, token_digest};

pub(crate) use middleware::{AuthLayer, guard, ingest_door};
pub(crate) use origin::Hosts;
pub(crate) use rate_limit::{BucketRate, Rates};
