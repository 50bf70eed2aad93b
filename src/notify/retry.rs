//! Retry policy: waits between attempts, and the last attempt.

use std::time::Duration;

use crate::core::rules::Channel;

/// The dispatcher's retry policy for one notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first failed attempt.
    pub first: Duration,
    /// Factor of each further wait; 1 or more.
    pub factor: u32,
    /// Maximum wait, whatever the receiver asks for.
    pub cap: Duration,
    /// Maximum number of attempts per notification, over restarts.
    pub attempts: u32,
    /// The same for a mail: a server that lists strangers grey lets them wait for hours.
    pub mail_attempts: u32,
    /// Maximum time of one attempt, from connecting to the status line.
    pub timeout: Duration,
}

impl RetryPolicy {
    /// The policy of `serve`: ten attempts over about nine minutes; mails over a little more than four hours.
    pub const STANDARD: RetryPolicy = RetryPolicy {
        first: Duration::from_secs(1),
        factor: 2,
        cap: Duration::from_secs(300),
        attempts: 10,
        mail_attempts: 57,
        timeout: Duration::from_secs(10),
    };

    /// The wait after the failed attempt of that number (from 1): never shorter than the receiver asked for, never
    /// longer than the cap.
    pub fn wait_after(&self, attempt: u32, asked_for: Option<Duration>) -> Duration {
        let grown = self.factor.saturating_pow(attempt.saturating_sub(1));
        self.first.saturating_mul(grown).max(asked_for.unwrap_or_default()).min(self.cap)
    }

    /// True if the attempt of that number (from 1) is the last by that channel.
    pub fn is_last(&self, attempt: u32, channel: &Channel) -> bool {
        let attempts = match channel {
            Channel::Email { .. } => self.mail_attempts,
            Channel::Webhook { .. }
            | Channel::Mqtt { .. }
            | Channel::Wecom { .. }
            | Channel::Dingtalk { .. }
            | Channel::Feishu { .. }
            | Channel::Slack { .. }
            | Channel::Template(_)
            | Channel::Alertmanager(_) => self.attempts,
        };
        attempt >= attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_respect_what_the_receiver_asks_for() {
        let check = |attempt, asked_for: Option<u64>, expected: u64| {
            let wait = RetryPolicy::STANDARD.wait_after(attempt, asked_for.map(Duration::from_secs));
            assert_eq!(wait, Duration::from_secs(expected), "attempt {attempt}, asked for {asked_for:?}");
        };
        check(1, None, 1);
        check(2, None, 2);
        check(9, None, 256);
        check(10, None, 300);
        check(u32::MAX, None, 300);
        check(1, Some(30), 30);
        check(8, Some(30), 128);
        check(1, Some(86_400), 300);
    }

    #[test]
    fn the_tenth_attempt_is_the_last_even_when_a_crash_made_more() {
        let chat = Channel::Slack { url: String::new() };
        let last: Vec<bool> = [1, 9, 10, 11].map(|attempt| RetryPolicy::STANDARD.is_last(attempt, &chat)).to_vec();
        assert_eq!(last, [false, false, true, true]);
    }

    #[test]
    fn a_mail_is_tried_for_four_hours_and_hardly_longer() {
        let mail = Channel::Email { to: "noc@example.com".to_owned() };
        let tried = (1..).take_while(|attempt| !RetryPolicy::STANDARD.is_last(*attempt, &mail));
        let over: Duration = tried.map(|attempt| RetryPolicy::STANDARD.wait_after(attempt, None)).sum();
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        assert!((hours(4)..hours(5)).contains(&over), "{over:?}");
    }
}
