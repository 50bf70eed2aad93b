//! Paths that have another name now. An old one answers as the new one does for one release, with a `Deprecation` header;
//! the OpenAPI document names only the new ones.

use super::endpoint::Endpoint;

/// The path before, and the path now. Delete an entry with the release after the one that renamed it.
const OLD_PATHS: [(&str, &str); 19] = [
    ("/api/v1/incidents/{id}/found_during", "/api/v1/incidents/{id}/parent"),
    ("/api/v1/incidents/{id}/pend", "/api/v1/incidents/{id}/hold"),
    ("/api/v1/incidents/{id}/hand-back", "/api/v1/incidents/{id}/deescalate"),
    ("/api/v1/incidents/{id}/deliveries", "/api/v1/incidents/{id}/notifications"),
    ("/api/v1/problems/{id}/own", "/api/v1/problems/{id}/assign"),
    ("/api/v1/problems/{id}/move", "/api/v1/problems/{id}/transition"),
    ("/api/v1/problems/draft", "/api/v1/problems/monthly-digest"),
    ("/api/v1/figures", "/api/v1/reports/service"),
    ("/api/v1/figures/billing", "/api/v1/reports/billing"),
    ("/api/v1/targets", "/api/v1/sla"),
    ("/api/v1/tiers", "/api/v1/escalation-policies"),
    ("/api/v1/rosters", "/api/v1/on-call/schedules"),
    ("/api/v1/rosters/{name}", "/api/v1/on-call/schedules/{name}"),
    ("/api/v1/rosters/{name}/overrides", "/api/v1/on-call/schedules/{name}/overrides"),
    ("/api/v1/rosters/{name}/overrides/{id}", "/api/v1/on-call/schedules/{name}/overrides/{id}"),
    ("/api/v1/presence", "/api/v1/on-call/presence"),
    ("/api/v1/queue", "/api/v1/incidents/queue"),
    ("/api/v1/handover", "/api/v1/on-call/handover"),
    ("/api/v1/quarantine", "/api/v1/naming-violations"),
];

/// The endpoints, and those of renamed paths once more under their old ones.
pub fn with_old_paths(endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    let old: Vec<Endpoint> = endpoints.iter().flat_map(under_old_paths).collect();
    endpoints.into_iter().chain(old).collect()
}

fn under_old_paths(endpoint: &Endpoint) -> impl Iterator<Item = Endpoint> {
    let old = OLD_PATHS.iter().filter(move |(_, new)| *new == endpoint.path);
    old.map(move |(old, _)| endpoint.clone().deprecated(old))
}
