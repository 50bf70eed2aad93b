//! What is imported, before it is written.

use std::collections::BTreeMap;

use super::flatten::RoutedRule;
use super::inhibitions::ImportedInhibition;
use super::intervals::ImportedInterval;
use super::receivers::ImportedReceiver;
use crate::core::model::TimeDelta;

pub(super) struct Configuration {
    pub resolve_timeout: Option<TimeDelta>,
    pub rules: Vec<RoutedRule>,
    pub receivers: Vec<ImportedReceiver>,
    pub intervals: BTreeMap<String, Vec<ImportedInterval>>,
    pub inhibitions: Vec<ImportedInhibition>,
}
