//! Whether a name is somebody's: described by the rule files, or of a token that a person has.

use super::auth::{Permission, Standing};
use super::http::error::ApiError;
use super::state::ApiContext;
use crate::core::model::excerpt;

impl ApiContext {
    /// Refuses to give work to a name that nobody has: it would never be done. Where neither rule files nor tokens name
    /// anybody, any name will do.
    pub(super) async fn must_be_somebody(&self, name: &str) -> Result<(), ApiError> {
        let rulebook = self.api.live.rulebook();
        if rulebook.names(name) {
            return Ok(());
        }
        let is_worker = match self.api.keyring.standing_of(name).await {
            Standing::Valid(role) => Permission::Work.admits(&role, None),
            Standing::Unknown | Standing::Revoked => false,
        };
        if is_worker || (rulebook.everybody().is_empty() && self.api.keyring.is_open().await) {
            return Ok(());
        }
        let shown = excerpt(name);
        Err(ApiError::bad(format!(
            "nobody here is named {shown:?}; people stand in the rule files (people, teams, rosters), and whoever has a token may have work too"
        )))
    }

    /// Whether a person of that name has gone: no longer in the rule files, or their token is revoked.
    pub(crate) async fn has_gone(&self, name: &str) -> bool {
        match self.api.keyring.standing_of(name).await {
            Standing::Revoked => true,
            Standing::Valid(_) => false,
            Standing::Unknown => !self.api.live.rulebook().names(name),
        }
    }
}
