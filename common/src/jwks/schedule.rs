//! When a JWKS is fetched again.

use std::time::Duration;

use crate::clock::Timestamp;

/// A document without a lifetime is kept this long.
const DEFAULT_MAX_AGE: Duration = Duration::from_mins(5);
/// However short a lifetime the server gives.
const LEAST_MAX_AGE: Duration = Duration::from_secs(10);
/// However long a lifetime the server gives: a key that was retired in an emergency goes within this.
const MOST_MAX_AGE: Duration = Duration::from_hours(1);
/// An unknown key leads to one request in this time: a flood of invented tokens must not become one of requests.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_mins(1);
/// After a failure, doubled from one to the next.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);

/// When the next request is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    due: Timestamp,
    failures: u32,
    /// The last request on account of an unknown key.
    unknown_key_at: Option<Timestamp>,
}

impl Schedule {
    /// Due at once.
    pub fn new(now: Timestamp) -> Self {
        Self { due: now, failures: 0, unknown_key_at: None }
    }

    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due <= now
    }

    /// Whether an unknown key is a reason to fetch now. If so, it is none for a while.
    pub fn admits_unknown_key(&mut self, now: Timestamp) -> bool {
        let admits = self.unknown_key_at.is_none_or(|last| now < last || now.since(last) >= UNKNOWN_KEY_PAUSE);
        if admits {
            self.unknown_key_at = Some(now);
        }
        admits
    }

    /// Fetched: again before the lifetime is over, so that what is in use is never older than the server allows.
    pub fn succeeded(&mut self, now: Timestamp, max_age: Option<Duration>) {
        self.failures = 0;
        let max_age = max_age.unwrap_or(DEFAULT_MAX_AGE).clamp(LEAST_MAX_AGE, MOST_MAX_AGE);
        self.due = now + max_age.mul_f64(0.8);
    }

    /// Not fetched: again soon, and less and less soon. `jitter` in 0..256 keeps many services apart.
    pub fn failed(&mut self, now: Timestamp, jitter: u8) {
        let pause = FIRST_RETRY.saturating_mul(1 << self.failures.min(6)).min(LAST_RETRY);
        self.failures = self.failures.saturating_add(1);
        self.due = now + pause.mul_f64(0.5 + f64::from(jitter) / 512.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1000);

    #[test]
    fn what_is_in_use_is_never_older_than_the_server_allows() {
        let mut schedule = Schedule::new(START);
        assert!(schedule.is_due(START));
        schedule.succeeded(START, Some(Duration::from_mins(5)));
        assert!(!schedule.is_due(START + Duration::from_secs(239)));
        assert!(schedule.is_due(START + Duration::from_mins(4)));
        schedule.succeeded(START, Some(Duration::from_secs(0)));
        assert!(!schedule.is_due(START + Duration::from_secs(7)), "a server must not be asked without a pause");
        schedule.succeeded(START, Some(Duration::from_hours(1000)));
        assert!(schedule.is_due(START + Duration::from_hours(1)));
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_pauses_up_to_a_minute() {
        let mut schedule = Schedule::new(START);
        for (failure, pause) in [1, 2, 4, 8, 16, 32, 60, 60, 60].into_iter().enumerate() {
            schedule.failed(START, 255);
            assert!(schedule.is_due(START + Duration::from_secs(pause)), "failure {failure}");
            assert!(!schedule.is_due(START + Duration::from_millis(pause * 450)), "failure {failure}");
        }
    }

    #[test]
    fn unknown_keys_are_asked_for_once_a_minute() {
        let mut schedule = Schedule::new(START);
        assert!(schedule.admits_unknown_key(START));
        assert!(!schedule.admits_unknown_key(START + Duration::from_secs(59)));
        assert!(schedule.admits_unknown_key(START + Duration::from_mins(1)));
        assert!(schedule.admits_unknown_key(START), "a clock that was put back is no reason to wait for ever");
    }
}
