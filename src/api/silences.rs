//! Silences as one of our own lists; they are made and ended at Alertmanager's doors (`/api/v2/silences`).

use std::sync::Arc;

use axum::extract::State;

use super::access::Door;
use super::endpoint::Endpoint;
use super::parameters::Parameters;
use super::shown::{Answer, list};
use super::state::Shared;
use super::v2;

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_silences, Door::Read, silences)]
}

/// Every silence that is still kept, in Alertmanager's order and words.
#[utoipa::path(get, path = "/api/v1/silences",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/SilencePage"))))]
async fn silences(State(shared): State<Arc<Shared>>, query: Parameters) -> Answer {
    query.end()?;
    let now = (shared.api.now)();
    list(v2::sorted_silences(&shared.api.live, now).iter().map(|silence| v2::SilenceView::of(silence, now)).collect())
}
