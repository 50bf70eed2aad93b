//! The clock that the API is given.

use crate::core::model::Timestamp;
use std::sync::Arc;

/// The service's clock as the doors see it: real, monotonic, injected.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;
