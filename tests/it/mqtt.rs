//! Tests of this border; filled in with its room.
