//! The text of a crontab line: five fields or six, as sets of numbers.

use std::fmt::Write as _;

/// Maximum length of a line, in bytes.
const TEXT_MAX_BYTES: usize = 256;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const SECOND: CronField = CronField { name: "second", low: 0, high: 59, names: &[] };
const MINUTE: CronField = CronField { name: "minute", low: 0, high: 59, names: &[] };
const HOUR: CronField = CronField { name: "hour", low: 0, high: 23, names: &[] };
const DAY: CronField = CronField { name: "day-of-month", low: 1, high: 31, names: &[] };
const MONTH: CronField = CronField { name: "month", low: 1, high: 12, names: &MONTHS };
/// 0 and 7 are both Sunday.
const WEEKDAY: CronField = CronField { name: "day-of-week", low: 0, high: 7, names: &WEEKDAYS };

/// A parsed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crontab {
    second: CronSet,
    minute: CronSet,
    hour: CronSet,
    day: CronSet,
    month: CronSet,
    weekday: CronSet,
    /// Both day fields restrict, so a day that fits either is due. A field that begins with `*` does not restrict.
    either_day: bool,
}

/// Numbers below 64, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CronSet(u64);

impl CronSet {
    fn iter(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |number| self.0 & (1 << number) != 0)
    }
}

struct CronField {
    name: &'static str,
    low: u32,
    high: u32,
    /// Words for the numbers from `low` on.
    names: &'static [&'static str],
}

impl Crontab {
    pub(super) fn parse(text: &str) -> Result<Crontab, ParseScheduleError> {
        if text.len() > TEXT_MAX_BYTES {
            return bad(format!("a schedule of {} bytes; at most {TEXT_MAX_BYTES} are allowed", text.len()));
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let (second, rest) = match fields.as_slice() {
            [_, _, _, _, _] => (CronSet(1), fields.as_slice()),
            [second, rest @ ..] if rest.len() == 5 => (SECOND.parse(second)?, rest),
            _ => {
                return bad(format!(
                    "expected 5 fields (minute hour day-of-month month day-of-week), or 6 with seconds first; found {}",
                    fields.len()
                ));
            }
        };
        let weekday = WEEKDAY.parse(rest[4])?;
        Ok(Crontab {
            second,
            minute: MINUTE.parse(rest[0])?,
            hour: HOUR.parse(rest[1])?,
            day: DAY.parse(rest[2])?,
            month: MONTH.parse(rest[3])?,
            weekday: CronSet((weekday.0 | weekday.0 >> 7) & 0x7F),
            either_day: !rest[2].starts_with('*') && !rest[4].starts_with('*'),
        })
    }

    /// The same in the `cron` crate's spelling: explicit lists, seconds first, Sunday = 1. It joins the two day fields
    /// with "and", so that "or" takes two lines.
    pub(super) fn cron_lines(&self) -> Vec<String> {
        if self.either_day {
            let any_day = Crontab { day: DAY.all(), ..self.clone() };
            let any_weekday = Crontab { weekday: CronSet(0x7F), ..self.clone() };
            vec![any_day.cron_line(), any_weekday.cron_line()]
        } else {
            vec![self.cron_line()]
        }
    }

    fn cron_line(&self) -> String {
        let weekday = CronSet(self.weekday.0 << 1);
        let mut line = String::new();
        for values in [self.second, self.minute, self.hour, self.day, self.month, weekday] {
            for (index, number) in values.iter().enumerate() {
                let before = match (index, line.is_empty()) {
                    (0, true) => "",
                    (0, false) => " ",
                    _ => ",",
                };
                write!(line, "{before}{number}").expect("a String takes everything");
            }
        }
        line
    }
}

impl CronField {
    fn all(&self) -> CronSet {
        CronSet((self.low..=self.high).fold(0, |bits, number| bits | 1 << number))
    }

    fn parse(&self, text: &str) -> Result<CronSet, ParseScheduleError> {
        let mut bits = 0;
        for part in text.split(',') {
            bits |= self.part(part)?.0;
        }
        Ok(CronSet(bits))
    }

    /// `*`, `n`, `n-m`, or one of the first and the last with `/step`.
    fn part(&self, part: &str) -> Result<CronSet, ParseScheduleError> {
        let name = self.name;
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(self.step(part, step)?)),
            None => (part, None),
        };
        let (from, to) = if span == "*" {
            (self.low, self.high)
        } else if let Some((from, to)) = span.split_once('-') {
            let (from, to) = (self.number(from)?, self.number(to)?);
            // A range up to Sunday: the Sunday at the week's end.
            let to = if to == 0 && self.high == WEEKDAY.high && from > 0 { WEEKDAY.high } else { to };
            (from, to)
        } else if step.is_some() {
            return bad(format!("{name} {part:?}: a step follows * or a range, for example {span}-{}/…", self.high));
        } else {
            let number = self.number(span)?;
            (number, number)
        };
        if from > to {
            return bad(format!("{name} {part:?}: the range runs backwards; write two ranges with a comma"));
        }
        let step = step.unwrap_or(1);
        Ok(CronSet((from..=to).step_by(step).fold(0, |bits, number| bits | 1 << number)))
    }

    fn step(&self, part: &str, step: &str) -> Result<usize, ParseScheduleError> {
        let largest = self.high - self.low;
        match step.parse::<u32>() {
            Ok(step) if (1..=largest).contains(&step) => Ok(step as usize),
            Ok(_) | Err(_) => bad(format!("{} {part:?}: expected a step from 1 to {largest}", self.name)),
        }
    }

    fn number(&self, text: &str) -> Result<u32, ParseScheduleError> {
        let (name, low, high) = (self.name, self.low, self.high);
        if let Some(index) = self.names.iter().position(|known| known.eq_ignore_ascii_case(text)) {
            return Ok(low + index as u32);
        }
        if text.is_empty() {
            return bad(format!("{name}: a number is missing"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 3 {
            let number: u32 = text.parse().unwrap_or(u32::MAX);
            if (low..=high).contains(&number) {
                return Ok(number);
            }
            return bad(format!("{name} {text:?}: expected a number from {low} to {high}"));
        }
        if text.contains(['L', 'W', '#', 'l', 'w']) && self.names.is_empty() || text.contains(['#', '?']) {
            return bad(format!("{name} {text:?}: L, W, # and ? are not part of crontab; list the days"));
        }
        let names = match self.names {
            [first, .., last] => format!(" or a name from {first} to {last}"),
            [_] | [] => String::new(),
        };
        bad(format!("{name} {text:?}: expected a number from {low} to {high}{names}"))
    }
}

fn bad<T>(reason: String) -> Result<T, ParseScheduleError> {
    Err(ParseScheduleError { reason })
}

/// Reason why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ParseScheduleError {
    pub reason: String,
}
