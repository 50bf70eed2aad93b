//! The statutory holidays and make-up workdays that ship with watchfire.
//!
//! Source of the figures: the yearly notices of the General Office of the State Council (国务院办公厅关于部分节假日安排的通知),
//! one notice a year, published in October or November of the year before; the same days that NateScarlet/holiday-cn
//! (commit d4e53bf) lists. A year that is not here can be written into the calendar's own `holidays` and `make_up`.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

/// Whose statutory days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statutory {
    China,
}

/// The days off and the weekend days that are worked instead, of one year.
struct Year {
    year: i16,
    /// First and last day of each holiday.
    holidays: &'static [(Date, Date)],
    make_up: &'static [Date],
}

/// 国办发明电〔2023〕7号, 〔2024〕12号 and 〔2025〕7号.
const CHINA: &[Year] = &[
    Year {
        year: 2024,
        holidays: &[
            (date(2024, 1, 1), date(2024, 1, 1)),
            (date(2024, 2, 10), date(2024, 2, 17)),
            (date(2024, 4, 4), date(2024, 4, 6)),
            (date(2024, 5, 1), date(2024, 5, 5)),
            (date(2024, 6, 10), date(2024, 6, 10)),
            (date(2024, 9, 15), date(2024, 9, 17)),
            (date(2024, 10, 1), date(2024, 10, 7)),
        ],
        make_up: &[
            date(2024, 2, 4),
            date(2024, 2, 18),
            date(2024, 4, 7),
            date(2024, 4, 28),
            date(2024, 5, 11),
            date(2024, 9, 14),
            date(2024, 9, 29),
            date(2024, 10, 12),
        ],
    },
    Year {
        year: 2025,
        holidays: &[
            (date(2025, 1, 1), date(2025, 1, 1)),
            (date(2025, 1, 28), date(2025, 2, 4)),
            (date(2025, 4, 4), date(2025, 4, 6)),
            (date(2025, 5, 1), date(2025, 5, 5)),
            (date(2025, 5, 31), date(2025, 6, 2)),
            (date(2025, 10, 1), date(2025, 10, 8)),
        ],
        make_up: &[date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11)],
    },
    Year {
        year: 2026,
        holidays: &[
            (date(2026, 1, 1), date(2026, 1, 3)),
            (date(2026, 2, 15), date(2026, 2, 23)),
            (date(2026, 4, 4), date(2026, 4, 6)),
            (date(2026, 5, 1), date(2026, 5, 5)),
            (date(2026, 6, 19), date(2026, 6, 21)),
            (date(2026, 9, 25), date(2026, 9, 27)),
            (date(2026, 10, 1), date(2026, 10, 7)),
        ],
        make_up: &[
            date(2026, 1, 4),
            date(2026, 2, 14),
            date(2026, 2, 28),
            date(2026, 5, 9),
            date(2026, 9, 20),
            date(2026, 10, 10),
        ],
    },
];

impl Statutory {
    pub const ALL: [Statutory; 1] = [Statutory::China];

    pub const fn as_str(self) -> &'static str {
        match self {
            Statutory::China => "china",
        }
    }

    pub fn named(word: &str) -> Option<Statutory> {
        Statutory::ALL.into_iter().find(|statutory| statutory.as_str() == word)
    }

    /// Every day off that is known.
    pub fn holidays(self) -> BTreeSet<Date> {
        let spans = self.known().iter().flat_map(|year| year.holidays);
        spans.flat_map(|(first, last)| first.series(jiff::ToSpan::day(1)).take_while(move |day| day <= last)).collect()
    }

    /// Every weekend day that is worked instead of a day off.
    pub fn make_up(self) -> BTreeSet<Date> {
        self.known().iter().flat_map(|year| year.make_up.iter().copied()).collect()
    }

    /// The last year that is known.
    pub fn last_year(self) -> i16 {
        self.known().iter().map(|year| year.year).max().unwrap_or_default()
    }

    const fn known(self) -> &'static [Year] {
        match self {
            Statutory::China => CHINA,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::{Weekday, date};

    use super::Statutory;

    /// How many days of the year somebody who works Monday to Friday gets wrong.
    fn check(year: i16, expected: usize) {
        let (holidays, make_up) = (Statutory::China.holidays(), Statutory::China.make_up());
        let is_weekend = |weekday: Weekday| matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        let days = date(year, 1, 1).series(1.day()).take_while(|day| day.year() == year);
        let wrong = days.filter(|day| match is_weekend(day.weekday()) {
            true => make_up.contains(day),
            false => holidays.contains(day),
        });
        assert_eq!(wrong.count(), expected, "{year}");
    }

    #[test]
    fn a_monday_to_friday_cron_is_wrong_on_so_many_days() {
        check(2024, 27);
        check(2025, 23);
        check(2026, 25);
    }

    #[test]
    fn make_up_days_are_weekend_days_and_no_holidays() {
        for statutory in Statutory::ALL {
            assert_eq!(Statutory::named(statutory.as_str()), Some(statutory));
            let holidays = statutory.holidays();
            for day in statutory.make_up() {
                assert!(matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday), "{day}");
                assert!(!holidays.contains(&day), "{day}");
            }
            assert!(holidays.last().is_some_and(|last| last.year() == statutory.last_year()));
        }
    }
}
