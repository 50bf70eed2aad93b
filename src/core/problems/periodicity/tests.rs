//! Periodicity: the stated rates of false alarms and powers, and the slow reference.

use proptest::prelude::*;

use super::*;

const HOUR: TimeDelta = TimeDelta::from_hours(1);

/// Even numbers in [0, 1) from a seed: the same on every machine.
struct Even(u64);

impl Even {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.next()).ln()
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }
}

fn bout(hours: f64) -> Burst {
    Burst { from: Timestamp::from_seconds((hours * 3_600.0) as i64), until: None }
}

/// The first episodes of a series of starts, in hours.
fn rhythm(hours: impl Iterator<Item = f64>, episodes: usize) -> Periodicity {
    let bouts: Vec<Burst> = hours.map(bout).collect();
    let first = collapse(&bouts, HOUR).into_iter().take(episodes).collect::<Vec<_>>();
    Periodicity::of(&first, HOUR, "UTC").unwrap()
}

/// Share of 2,000 random series that look like a clock: by gaps, and by gaps or season.
fn false_alarms(mean_hours: f64, episodes: usize) -> (f64, f64) {
    let mut even = Even(episodes as u64 + mean_hours as u64);
    let (mut regular, mut either) = (0, 0);
    for _ in 0..2_000 {
        let mut at = 500_000.0 * even.next();
        let series = std::iter::repeat_with(|| {
            at += mean_hours * even.exponential();
            at
        });
        let found = rhythm(series.take(3 * episodes), episodes);
        regular += u32::from(found.regular);
        either += u32::from(found.keeps_time());
    }
    (f64::from(regular) / 2_000.0, f64::from(either) / 2_000.0)
}

#[test]
fn chance_is_called_a_clock_about_twice_in_a_hundred_series() {
    let mut all = Vec::new();
    for (mean, episodes) in [(6.0, 8), (6.0, 20), (24.0, 8), (72.0, 8), (72.0, 12), (72.0, 20), (240.0, 8), (240.0, 20)]
    {
        let (regular, either) = false_alarms(mean, episodes);
        // 2,000 series: one standard error is .0022 at 1 % and .0034 at 2.4 %; four of them are allowed.
        assert!(regular <= 0.0195, "{episodes} episodes every {mean} h: {regular} regular");
        assert!(either <= 0.038, "{episodes} episodes every {mean} h: {either} regular or seasonal");
        all.push(either);
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!((0.014..=0.029).contains(&mean), "stated are 2.1 to 2.4 %, found {mean} over {all:?}");
}

#[test]
fn bursts_without_episodes_would_look_like_seasons() {
    let mut even = Even(7);
    let mut seasonal = [0, 0];
    for _ in 0..500 {
        let mut at = 0.0;
        let mut series = Vec::new();
        for _ in 0..8 {
            at += 72.0 * even.exponential();
            let burst = (0..3).map(|again| bout(at + 0.1 * f64::from(again)));
            series.extend(burst);
            at += 0.3;
        }
        for (way, apart) in [TimeDelta::ZERO, HOUR].into_iter().enumerate() {
            seasonal[way] += u32::from(Periodicity::of(&series, apart, "UTC").unwrap().season.is_some());
        }
    }
    assert!(seasonal[0] > 100, "every third series of bursts looks seasonal: {seasonal:?}");
    assert!(seasonal[1] < 15, "episodes do not: {seasonal:?}");
}

/// Share of 2,000 series that are detected, each start within `jitter` periods (one standard deviation) of its due
/// time.
fn power(period_hours: f64, jitter: f64, episodes: usize) -> f64 {
    let mut even = Even(11 + episodes as u64);
    let found = (0..2_000).filter(|_| {
        let start = 10_000.0 * even.next() + 2.0 * period_hours;
        let series = (0..episodes).map(|turn| start + period_hours * (turn as f64 + jitter * even.normal()));
        let series: Vec<f64> = series.collect();
        rhythm(series.into_iter(), episodes).keeps_time()
    });
    found.count() as f64 / 2_000.0
}

#[test]
fn clocks_are_found_as_often_as_stated() {
    assert!(power(24.0, 0.0, 5) >= 0.999, "daily");
    assert!(power(168.0, 0.0, 5) >= 0.999, "weekly");
    assert!(power(72.0, 0.05, 5) >= 0.997, "5 % jitter");
    let (five, eight) = (power(100.0, 0.15, 5), power(100.0, 0.15, 8));
    // One standard error of 2,000 series is .011 and .003.
    assert!((0.47..=0.57).contains(&five), "15 % jitter, 5 episodes: stated .51, found {five}");
    assert!(eight >= 0.975, "15 % jitter, 8 episodes: stated .985, found {eight}");
}

#[test]
fn limits_between_the_simulated_ones_are_interpolated_and_beyond_them_stay() {
    assert_eq!(variation_limit(4), None);
    assert_eq!(variation_limit(5), Some(0.216));
    assert!((variation_limit(7).unwrap() - 0.3495).abs() < 1e-9);
    assert!((variation_limit(16).unwrap() - 0.5545).abs() < 1e-9);
    assert_eq!(variation_limit(64), Some(0.598));
}

fn at(text: &str) -> Timestamp {
    format!("{text}+08:00").parse().unwrap()
}

fn of(starts: &[&str]) -> Periodicity {
    let bouts: Vec<Burst> = starts
        .iter()
        .map(|start| Burst { from: at(start), until: Some(at(start) + TimeDelta::from_minutes(30)) })
        .collect();
    Periodicity::of(&bouts, HOUR, "Asia/Shanghai").unwrap()
}

#[test]
fn a_backup_every_night_is_expected_the_next_night() {
    let nights = ["2026-03-01T02:00:00", "2026-03-02T02:05:00", "2026-03-03T02:00:00", "2026-03-04T01:55:00"];
    let rhythm = of(&[&nights[..], &["2026-03-05T02:00:00", "2026-03-05T02:40:00"]].concat());
    assert_eq!((rhythm.episodes, rhythm.regular), (5, true));
    assert_eq!((rhythm.mtbf, rhythm.mttr), (TimeDelta::from_hours(24), Some(TimeDelta::from_minutes(38))));
    assert_eq!((rhythm.next.by, rhythm.next.at), (Basis::Gaps, at("2026-03-06T02:00:00")));
    assert!(rhythm.next.from < rhythm.next.at && rhythm.next.until < at("2026-03-06T03:00:00"));
}

#[test]
fn working_mornings_with_days_between_keep_to_the_hour_of_the_local_day() {
    let days = ["02", "03", "06", "12", "13", "23", "24"];
    let starts: Vec<String> = days.iter().map(|day| format!("2026-03-{day}T08:{day}:00")).collect();
    let rhythm = of(&starts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((rhythm.regular, rhythm.season), (false, Some(Seasonality::Day)));
    assert_eq!(rhythm.next.by, Basis::Season);
    assert!(rhythm.next.at > at("2026-03-25T07:50:00") && rhythm.next.at < at("2026-03-28T08:30:00"));
    let hour = week_second(rhythm.next.at, "Asia/Shanghai").rem_euclid(86_400.0) / 3_600.0;
    assert!((7.9..8.5).contains(&hour), "{hour}");
}

#[test]
fn without_a_clock_the_wait_is_the_middle_of_an_exponential_one() {
    let rhythm = of(&["2026-03-01T00:00:00", "2026-03-02T05:00:00", "2026-03-11T00:00:00"]);
    assert!(!rhythm.keeps_time());
    assert_eq!(rhythm.mtbf, TimeDelta::from_days(5));
    assert_eq!((rhythm.next.by, rhythm.next.at), (Basis::Rate, at("2026-03-16T00:00:00")));
    assert_eq!(rhythm.next.from, at("2026-03-11T12:36:00"));
    assert_eq!(Periodicity::of(&[bout(1.0), bout(50.0)], HOUR, "UTC"), None);
}

proptest! {
    #[test]
    fn episodes_are_apart_in_order_and_never_more_than_bouts(
        waits in prop::collection::vec((0i64..10_000, prop::option::of(0i64..20_000)), 1..80),
        apart in 0i64..7_200,
    ) {
        let mut now = 0;
        let bouts: Vec<Burst> = waits.iter().map(|(wait, lasts)| {
            now += wait;
            let from = Timestamp::from_seconds(now);
            Burst { from, until: lasts.map(|seconds| from + TimeDelta::from_seconds(seconds)) }
        }).collect();
        let apart = TimeDelta::from_seconds(apart);
        let episodes = collapse(&bouts, apart);
        prop_assert!(!episodes.is_empty() && episodes.len() <= bouts.len());
        prop_assert_eq!(episodes[0].from, bouts[0].from);
        for pair in episodes.windows(2) {
            prop_assert!(pair[1].from > pair[0].from + apart);
        }
        prop_assert_eq!(collapse(&episodes, apart).len() <= episodes.len(), true);
        if let Some(rhythm) = Periodicity::of(&bouts, apart, "Asia/Shanghai") {
            let next = &rhythm.next;
            let last = episodes[episodes.len() - 1].from;
            prop_assert!(last <= next.from && next.from <= next.at && next.at <= next.until, "{:?}", rhythm);
        }
    }
}
