//! Inspections: runs that fall due, their results and findings.

pub(super) mod inspections;
