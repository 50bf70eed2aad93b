//! Faults that return: rows 9, 25, 36, 46, 63.
