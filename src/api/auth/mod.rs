//! Who may pass which door: credentials, the keyring of tokens, roles, rates, and the guard before every handler.
//!
//! Must never keep or log a secret; only its SHA-256 is ever compared or stored.

mod client_address;
mod cors;
mod credentials;
mod held_body;
mod middleware;
mod origin;
pub(crate) mod permission;
mod places;
mod proxies;
mod rate_limit;
mod token_cache;

pub use permission::{Permission, RoleKind};
pub use proxies::Proxies;
pub use token_cache::{AuthOutcome, Principal, Standing, TokenCache, new_token, token_digest};

pub(crate) use client_address::ClientAddress;
pub(crate) use cors::cors;
pub(crate) use middleware::{AuthLayer, guard, ingest_door, too_many};
pub(crate) use origin::Hosts;
pub(crate) use places::{NoPlace, Place, Places};
pub(crate) use rate_limit::{BucketRate, Rates};
