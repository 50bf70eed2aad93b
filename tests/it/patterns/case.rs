//! A case: rules and events as data, what is told of them, and both as text that a tired person can read.

use std::fmt::{self, Display, Formatter};

/// What the judges look at: rules in file order, and events in the order in which they are received.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    pub rules: Vec<Rule>,
    pub events: Vec<Event>,
}

/// Milliseconds since the beginning of the case.
pub type Millis = i64;

pub const SECOND: Millis = 1_000;

/// Where rules without a key say that their own events happened.
pub const EMITTED_SITE: &str = "GZ";

/// The label that all matchers look at.
pub type Name = &'static str;

#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// When it is received.
    pub at: Millis,
    /// How long before that it happened.
    pub ago: Millis,
    pub status: Status,
    pub name: Name,
    /// What rules may have as their key.
    pub site: &'static str,
    /// Makes several alerts under one key.
    pub host: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Point,
    Firing,
    Resolved,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// It matches events of any of these names.
    pub names: Vec<Name>,
    /// Whether `by: [site]` makes its key; else there is one key for all.
    pub keyed: bool,
    pub pattern: Pattern,
    pub semantics: Semantics,
    pub continues: bool,
    /// `on: message`.
    pub messages: bool,
    /// `context:`; the rule matches only while the context is as wanted.
    pub guard: Option<Guard>,
    /// `contexts:`.
    pub changes: Vec<Change>,
    /// It may hold alerts back for good.
    pub because: bool,
    /// `emit:` a point of that name when it fires, or an alert that lasts while the rule stands.
    pub emits: Option<(Name, Status)>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Guard {
    pub context: &'static str,
    pub alive: bool,
}

/// A change of a context when the rule fires or clears.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    pub on: What,
    pub context: &'static str,
    pub becomes: Becomes,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Becomes {
    /// For so many seconds, then a point of that name.
    Set {
        lifetime: Option<i64>,
        then: Option<Name>,
    },
    Unset,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Semantics {
    Default,
    Sec,
}

/// Spans in whole seconds.
#[derive(Clone, PartialEq, Debug)]
pub enum Pattern {
    Each {
        quiet: i64,
    },
    Suppress {
        within: i64,
    },
    Threshold {
        count: usize,
        within: i64,
        clear: usize,
        distinct: bool,
    },
    Thresholds {
        rise: (usize, i64),
        fall: (usize, i64),
    },
    Pair {
        until: Vec<Name>,
        within: Option<i64>,
    },
    PairWindow {
        until: Vec<Name>,
        within: i64,
    },
    Absence {
        within: i64,
    },
    /// `above` in tenths; `count` is what it comes to.
    Rate {
        above: i64,
        per: i64,
        within: i64,
        count: usize,
    },
    /// After the rule's own match; `captures`: all of one host.
    Sequence {
        steps: Vec<Vec<Name>>,
        within: i64,
        captures: bool,
        quiet: i64,
    },
    Group {
        all: Vec<(Vec<Name>, usize)>,
        within: i64,
        repeat: bool,
        quiet: i64,
    },
    Flap {
        start: (usize, i64),
        stop: (usize, i64),
    },
    /// By weighted results, as Icinga does or as Nagios does.
    FlapResults {
        icinga: bool,
    },
}

/// What became of a rule's key, and when.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Told {
    pub at: Millis,
    pub rule: usize,
    pub key: String,
    pub what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum What {
    Cleared,
    Raised,
}

impl Event {
    /// When it happened.
    pub const fn happened(&self) -> Millis {
        self.at - self.ago
    }
}

impl Rule {
    /// A rule with nothing but a pattern, for events of that name.
    pub fn new(name: Name, pattern: Pattern, semantics: Semantics) -> Rule {
        Rule {
            names: vec![name],
            keyed: false,
            pattern,
            semantics,
            continues: false,
            messages: false,
            guard: None,
            changes: Vec::new(),
            emits: None,
            because: false,
        }
    }

    /// The names of all events that it may look at.
    pub fn seen(&self) -> impl Iterator<Item = Name> {
        let until = match &self.pattern {
            Pattern::Pair { until, .. } | Pattern::PairWindow { until, .. } => until.clone(),
            Pattern::Sequence { steps, .. } => steps.concat(),
            _ => Vec::new(),
        };
        self.names.iter().copied().chain(until)
    }

    /// The site of the events that it makes, and what its contexts' names are filled with.
    pub fn place(&self) -> &'static str {
        if self.keyed { "{site}" } else { EMITTED_SITE }
    }

    /// The key under which the rule has the event.
    pub fn key_of(&self, event: &Event) -> String {
        if self.keyed { event.site.to_owned() } else { "all".to_owned() }
    }
}

fn fitting(names: &[Name]) -> String {
    match names {
        [only] => format!("alertname=\"{only}\""),
        many => format!("alertname=~\"{}\"", many.join("|")),
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Each { .. } => write!(f, "each"),
            Pattern::Suppress { within } => write!(f, "{{suppress: {{within: {within}s}}}}"),
            Pattern::Threshold { count, within, clear, distinct } => {
                let distinct = if *distinct { ", distinct: host" } else { "" };
                write!(f, "{{threshold: {{count: {count}, within: {within}s, clear: {clear}{distinct}}}}}")
            }
            Pattern::Thresholds { rise, fall } => {
                write!(f, "{{hysteresis: {{rise: {{count: {}, within: {}s}}, ", rise.0, rise.1)?;
                write!(f, "fall: {{count: {}, within: {}s}}}}}}", fall.0, fall.1)
            }
            Pattern::Pair { until, within: None } => write!(f, "{{pair: {{until: '{}'}}}}", fitting(until)),
            Pattern::Pair { until, within: Some(within) } => {
                write!(f, "{{pair: {{until: '{}', within: {within}s}}}}", fitting(until))
            }
            Pattern::PairWindow { until, within } => {
                write!(f, "{{missing_followup: {{until: '{}', within: {within}s}}}}", fitting(until))
            }
            Pattern::Absence { within } => write!(f, "{{absence: {{within: {within}s}}}}"),
            Pattern::Rate { above, per, within, .. } => {
                write!(f, "{{rate: {{above: {}.{}, per: {per}s, within: {within}s}}}}", above / 10, above % 10)
            }
            Pattern::Flap { start, stop } => {
                write!(f, "{{flap: {{start: {}, within: {}s, ", start.0, start.1)?;
                write!(f, "stop: {}, stop_within: {}s}}}}", stop.0, stop.1)
            }
            Pattern::FlapResults { icinga } => {
                write!(f, "{{flap: {{mode: {}}}}}", if *icinga { "icinga" } else { "nagios" })
            }
            Pattern::Sequence { steps, within, captures, .. } => {
                let capture = if *captures { ", host=\"{1.host}\"" } else { "" };
                let steps: Vec<String> = steps.iter().map(|names| format!("'{}{capture}'", fitting(names))).collect();
                write!(f, "{{sequence: {{steps: [{}], within: {within}s}}}}", steps.join(", "))
            }
            Pattern::Group { all, within, repeat, .. } => {
                let class =
                    |(names, count): &(Vec<Name>, usize)| format!("{{match: '{}', count: {count}}}", fitting(names));
                let all: Vec<String> = all.iter().map(class).collect();
                let repeat = if *repeat { ", repeat: true" } else { "" };
                write!(f, "{{group: {{all: [{}], within: {within}s{repeat}}}}}", all.join(", "))
            }
        }
    }
}

/// As a rule file.
impl Display for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.yaml())?;
        writeln!(f, "   second  happened  status    name  site  host")?;
        for event in &self.events {
            let seconds = |millis: Millis| format!("{}.{:03}", millis / SECOND, millis % SECOND);
            let status = match event.status {
                Status::Point => "point",
                Status::Firing => "firing",
                Status::Resolved => "resolved",
            };
            let (at, happened) = (seconds(event.at), seconds(event.happened()));
            writeln!(f, "{at:>9} {happened:>9}  {status:<8}  {:<4}  {:<4}  {}", event.name, event.site, event.host)?;
        }
        Ok(())
    }
}

impl Case {
    /// The rule file.
    pub fn yaml(&self) -> String {
        let mut text = "rules:\n".to_owned();
        for (number, rule) in self.rules.iter().enumerate() {
            let Rule { names, keyed, pattern, semantics, continues, messages, guard, changes, emits, because } = rule;
            let event = |name| format!("{{labels: {{alertname: {name}, site: '{}', host: a}}}}", rule.place());
            text += &format!("  - name: r{number}\n    match: '{}'\n    pattern: {pattern}\n", fitting(names));
            text += if *keyed { "    by: [site]\n" } else { "" };
            text += if *semantics == Semantics::Sec { "    semantics: sec\n" } else { "" };
            let quiet = match (pattern, semantics) {
                (Pattern::Each { quiet }, _)
                | (Pattern::Sequence { quiet, .. } | Pattern::Group { quiet, .. }, Semantics::Default) => Some(quiet),
                (_, _) => None,
            };
            text += &quiet.map(|quiet| format!("    clear_after: {quiet}s\n")).unwrap_or_default();
            text += if *because { "    justification: it means to\n" } else { "" };
            text += if *continues { "    continue: true\n" } else { "" };
            text += if *messages { "    on: message\n" } else { "" };
            if let Some(Guard { context, alive }) = guard {
                text += &format!("    context: '{}{context}'\n", if *alive { "" } else { "!" });
            }
            if !changes.is_empty() {
                text += "    contexts:\n";
            }
            for change in changes {
                let when = if change.on == What::Raised { "fire" } else { "clear" };
                text += &match change.becomes {
                    Becomes::Unset => format!("      - {{unset: '{}', when: {when}}}\n", change.context),
                    Becomes::Set { lifetime, then } => {
                        let lifetime = lifetime.map(|seconds| format!(", for: {seconds}s")).unwrap_or_default();
                        let then = then.map(|name| format!(", on_expiry: {{event: {}}}", event(name)));
                        let then = then.unwrap_or_default();
                        format!("      - {{set: '{}', when: {when}{lifetime}{then}}}\n", change.context)
                    }
                };
            }
            if let Some((name, status)) = emits {
                let (event, status) = (event(name), if *status == Status::Point { "point" } else { "firing" });
                text += &format!("    emit: {}, status: {status}}}\n", &event[..event.len() - 1]);
            }
        }
        text
    }
}

impl Pattern {
    /// How long its alerts may wait for others, in seconds, before another rule gets them.
    pub fn waits(&self) -> Option<i64> {
        match self {
            Pattern::Threshold { within, .. }
            | Pattern::Rate { within, .. }
            | Pattern::Thresholds { rise: (_, within), .. }
            | Pattern::Sequence { within, .. }
            | Pattern::Group { within, .. }
            | Pattern::Flap { start: (_, within), .. } => Some(*within),
            Pattern::FlapResults { .. } => Some(600),
            Pattern::Each { .. }
            | Pattern::Suppress { .. }
            | Pattern::Pair { .. }
            | Pattern::PairWindow { .. }
            | Pattern::Absence { .. } => None,
        }
    }
}

/// A story, one line each.
pub fn shown(story: &[Told]) -> String {
    let line = |one: &Told| {
        let (seconds, millis) = (one.at / SECOND, one.at % SECOND);
        format!("{seconds:>7}.{millis:03} r{} {} {:?}\n", one.rule, one.key, one.what)
    };
    story.iter().map(line).collect()
}
