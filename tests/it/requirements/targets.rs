//! Promises against the clock: rows 2, 3, 4, 13, 15, 27, 28, 43, 44, 50, 51, 71, 74, 75, 77.
