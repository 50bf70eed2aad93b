//! How far a message came.

/// Whether the service answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    Yes,
    Away,
}
