//! What SEC holds of one rule under one key: an operation with a start, over when `now - start > within`, in whole seconds.

use super::super::case::{Name, Pattern, Rule, What};

/// Nothing, or a living operation.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    live: Option<Live>,
}

#[derive(Clone, Debug)]
struct Live {
    started: i64,
    /// The seconds of what counted, each with its class.
    counted: Vec<(i64, usize)>,
    fired: bool,
}

/// What an event was to an operation.
#[derive(Debug, PartialEq)]
pub struct Taken {
    /// Whether the rule matched at all.
    pub matched: bool,
    pub said: Option<What>,
}

const SWALLOWED: Taken = Taken { matched: true, said: None };
const NO_MATCH: Taken = Taken { matched: false, said: None };

impl Operation {
    /// Does what is done when the window has passed.
    pub fn expire(&mut self, rule: &Rule, now: i64) -> Option<What> {
        let mut one = self.live.take()?;
        if now - one.started <= window(rule, one.fired) {
            self.live = Some(one);
            return None;
        }
        match &rule.pattern {
            Pattern::Suppress { .. } | Pattern::Pair { .. } => Some(What::Cleared),
            Pattern::PairWindow { .. } => Some(What::Raised),
            Pattern::Threshold { .. } | Pattern::Thresholds { .. } | Pattern::Group { repeat: false, .. }
                if one.fired =>
            {
                Some(What::Cleared)
            }
            Pattern::Threshold { within, .. }
            | Pattern::Thresholds { rise: (_, within), .. }
            | Pattern::Group { within, .. } => {
                one.counted.retain(|(at, _)| *at >= now - within);
                let Some((at, _)) = one.counted.first() else { return one.fired.then_some(What::Cleared) };
                one.started = *at;
                self.live = Some(one);
                None
            }
            other => panic!("{other} has no operations"),
        }
    }

    /// Offers an event of that name; `fits`: the rule's matchers and guard let it through.
    pub fn enter(&mut self, rule: &Rule, name: Name, fits: bool, now: i64) -> Taken {
        match &rule.pattern {
            Pattern::Each { .. } => Taken { matched: fits, said: fits.then_some(What::Raised) },
            Pattern::Suppress { .. } | Pattern::Pair { .. } | Pattern::PairWindow { .. } if fits => {
                if self.live.is_some() {
                    return SWALLOWED;
                }
                self.live = Some(Live { started: now, counted: Vec::new(), fired: false });
                let waits = matches!(rule.pattern, Pattern::PairWindow { .. });
                Taken { matched: true, said: (!waits).then_some(What::Raised) }
            }
            Pattern::Pair { until, .. } | Pattern::PairWindow { until, .. } if until.contains(&name) => {
                match self.live.take() {
                    Some(_) => Taken { matched: true, said: Some(What::Cleared) },
                    None => NO_MATCH,
                }
            }
            _ if !fits => NO_MATCH,
            Pattern::Threshold { count, .. } => self.count(0, now, |counted| counted.len() >= *count, true),
            Pattern::Thresholds { rise, fall } => {
                if self.live.as_ref().is_some_and(|one| one.fired) {
                    self.stays_up(fall.0, now);
                    return SWALLOWED;
                }
                let taken = self.count(0, now, |counted| counted.len() >= rise.0, true);
                if let Some(one) = self.live.as_mut().filter(|one| one.fired) {
                    one.started = now;
                    one.counted.clear();
                }
                taken
            }
            Pattern::Group { all, repeat, .. } => {
                let Some(class) = all.iter().position(|(names, _)| names.contains(&name)) else { return NO_MATCH };
                let enough = |counted: &[(i64, usize)]| {
                    let of = |class| counted.iter().filter(|(_, one)| *one == class).count();
                    all.iter().enumerate().all(|(class, (_, least))| of(class) >= *least)
                };
                self.count(class, now, enough, !repeat)
            }
            other => panic!("sec has no such pattern: {other}"),
        }
    }

    /// Counts an event unless the operation fired for good; says when there are enough.
    fn count(&mut self, class: usize, now: i64, enough: impl Fn(&[(i64, usize)]) -> bool, once: bool) -> Taken {
        let one = self.live.get_or_insert(Live { started: now, counted: Vec::new(), fired: false });
        if once && one.fired {
            return SWALLOWED;
        }
        one.counted.push((now, class));
        let fires = enough(&one.counted);
        one.fired |= fires;
        Taken { matched: true, said: fires.then_some(What::Raised) }
    }

    /// An event while it is up: more than `bearable` of them move the window on.
    fn stays_up(&mut self, bearable: usize, now: i64) {
        let Some(one) = &mut self.live else { return };
        one.counted.push((now, 0));
        if one.counted.len() > bearable {
            one.counted.remove(0);
            one.started = one.counted.first().map_or(now, |(at, _)| *at);
        }
    }
}

/// How long an operation lasts from its start, in seconds.
fn window(rule: &Rule, fired: bool) -> i64 {
    match &rule.pattern {
        Pattern::Suppress { within }
        | Pattern::Threshold { within, .. }
        | Pattern::PairWindow { within, .. }
        | Pattern::Group { within, .. } => *within,
        Pattern::Pair { within, .. } => within.unwrap_or(i64::MAX),
        Pattern::Thresholds { rise, fall } => {
            if fired {
                fall.1
            } else {
                rise.1
            }
        }
        other => panic!("{other} has no operations"),
    }
}
