//! stub
use std::collections::BTreeMap;
use super::*;
use crate::model::*;
use crate::rules::Rulebook;
#[derive(Clone, Default)]
pub struct Correlating {}
#[derive(Clone)]
pub struct FrozenCorrelator {}
impl Correlating {
    pub fn next_deadline(&self) -> Option<Moment> { None }
    pub fn handle(&mut self, _now: Moment, _c: Cause, _i: &CorrelatorInput, _r: &Rulebook, _e: &mut Vec<Effect>, _d: &mut Vec<Decision>) {}
    pub fn control(&mut self, _now: Moment, _c: Cause, _i: &Control, _o: &Rulebook, _r: &Rulebook, _e: &mut Vec<Effect>, _d: &mut Vec<Decision>) {}
    pub fn compact(&self, _e: &Event) -> Option<Resend> { None }
    pub fn alerts(&self) -> impl Iterator<Item = AlertRecord> + '_ { std::iter::empty() }
    pub fn silences(&self) -> Vec<Silence> { vec![] }
    pub fn broken_invariants(&self) -> Vec<String> { vec![] }
    pub fn freeze(&self) -> FrozenCorrelator { FrozenCorrelator{} }
    pub fn restore(_s: &BTreeMap<String, Vec<u8>>, _r: &Rulebook) -> Result<Correlating, (String, postcard::Error)> { Ok(Correlating{}) }
}
impl FrozenCorrelator {
    pub fn section_names(&self) -> Vec<String> { vec![] }
    pub fn encode(&self, _n: &str) -> Result<Vec<u8>, postcard::Error> { Ok(vec![]) }
    pub fn is_same(&self, _e: &FrozenCorrelator, _n: &str) -> bool { true }
}
