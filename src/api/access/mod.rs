//! Who may pass which door: credentials, the keyring of tokens, roles, rates, and the guard before every handler.
//!
//! Must never keep or log a secret; only its SHA-256 is ever compared or stored.

mod credentials;
mod door;
mod guard;
mod keyring;
mod origin;
mod rate;

pub use door::{Door, RoleKind};
pub use keyring::{Admission, Caller, Keyring, new_token, token_digest};

pub(super) use guard::{Guard, guard, ingest_door};
pub(super) use origin::Hosts;
pub(super) use rate::{Rate, Rates};
