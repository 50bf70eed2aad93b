//! The place of an item in its inventory.

/// The index of an item in an [`Inventory`](super::inventory::Inventory): small, and the same for equal rule files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemIndex(pub u32);
