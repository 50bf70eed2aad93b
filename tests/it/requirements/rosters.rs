//! Who works when, and who gets what: rows 5, 6, 7, 10, 22, 31, 60.
