//! The client's address as an argument of handlers.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::api::state::ApiContext;

/// The address by which the bounds of this request are kept.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Arc<ApiContext>> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<ApiContext>,
    ) -> Result<ClientAddress, std::convert::Infallible> {
        Ok(ClientAddress(shared.api.settings.proxies.client_of(&parts.extensions, &parts.headers)))
    }
}
