//! The statutory holidays and make-up workdays that ship with watchfire.
//!
//! Source of the figures: the yearly notices of the General Office of the State Council (国务院办公厅关于部分节假日安排的通知), one
//! notice a year, published in October or November of the year before; each year below was compared with the text of
//! its notice. A missing year can be written into the calendar's own `holidays` and `make_up`.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, date};

/// Origin of statutory days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statutory {
    China,
}

/// A day of a year: month and day.
type Day = (i8, i8);

/// The days off and the weekend days that are worked instead, of one year.
struct HolidayYear {
    year: i16,
    /// First and last day of each holiday.
    holidays: &'static [(Day, Day)],
    make_up: &'static [Day],
}

const CHINA: &[HolidayYear] = &[
    // 国办发明电〔2023〕7号 of 2023-10-25, as printed in 人民日报 of 2023-10-26, page 6.
    HolidayYear {
        year: 2024,
        holidays: &[
            ((1, 1), (1, 1)),
            ((2, 10), (2, 17)),
            ((4, 4), (4, 6)),
            ((5, 1), (5, 5)),
            ((6, 10), (6, 10)),
            ((9, 15), (9, 17)),
            ((10, 1), (10, 7)),
        ],
        make_up: &[(2, 4), (2, 18), (4, 7), (4, 28), (5, 11), (9, 14), (9, 29), (10, 12)],
    },
    // 国办发明电〔2024〕12号 of 2024-11-12, as released by 新华社 that day.
    HolidayYear {
        year: 2025,
        holidays: &[
            ((1, 1), (1, 1)),
            ((1, 28), (2, 4)),
            ((4, 4), (4, 6)),
            ((5, 1), (5, 5)),
            ((5, 31), (6, 2)),
            ((10, 1), (10, 8)),
        ],
        make_up: &[(1, 26), (2, 8), (4, 27), (9, 28), (10, 11)],
    },
    // 国办发明电〔2025〕7号 of 2025-11-04, as released by 新华社 that day.
    HolidayYear {
        year: 2026,
        holidays: &[
            ((1, 1), (1, 3)),
            ((2, 15), (2, 23)),
            ((4, 4), (4, 6)),
            ((5, 1), (5, 5)),
            ((6, 19), (6, 21)),
            ((9, 25), (9, 27)),
            ((10, 1), (10, 7)),
        ],
        make_up: &[(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)],
    },
];

impl HolidayYear {
    const fn day(&self, (month, day): Day) -> Date {
        date(self.year, month, day)
    }
}

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

    /// Every known day off.
    pub fn holidays(self) -> BTreeSet<Date> {
        let spans = self
            .known()
            .iter()
            .flat_map(|year| year.holidays.iter().map(|(first, last)| (year.day(*first), year.day(*last))));
        spans.flat_map(|(first, last)| first.series(1.day()).take_while(move |day| *day <= last)).collect()
    }

    /// Every weekend day worked instead of a day off.
    pub fn make_up(self) -> BTreeSet<Date> {
        self.known().iter().flat_map(|year| year.make_up.iter().map(|day| year.day(*day))).collect()
    }

    /// The last known year.
    pub fn last_year(self) -> i16 {
        self.known().iter().map(|year| year.year).max().unwrap_or_default()
    }

    const fn known(self) -> &'static [HolidayYear] {
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

    /// Number of days of the year that a plain Monday to Friday gets wrong.
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
