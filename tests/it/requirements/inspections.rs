//! Checklists: rows 25, 55, 58, 62, 66, 67.
