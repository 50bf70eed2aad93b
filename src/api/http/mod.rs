//! HTTP plumbing of the API: extractors, errors, responses, endpoints and their OpenAPI description.

pub(crate) mod endpoint;
pub(crate) mod error;
pub(super) mod extract;
pub(super) mod old_paths;
pub(super) mod openapi;
pub(super) mod query;
pub(super) mod response;
pub(super) mod schema;
pub(super) mod shape;
