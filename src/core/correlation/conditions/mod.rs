//! Conditions: what a rule holds about one key, evaluated as events arrive, and the shared contexts.

pub(super) mod condition;
pub(super) mod contexts;
pub(super) mod evaluate;
pub(super) mod guard;
pub(super) mod shared_context;
