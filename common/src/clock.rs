//! Time as a parameter: nothing in Latchkey asks the system for the time except [`SystemClock`].

use std::{
    ops::{Add, Sub},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// An instant in microseconds since 1970-01-01T00:00:00Z, as the stores keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant that a store's number means.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant that a token's `NumericDate` (RFC 7519, section 2) means.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: a `NumericDate`.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The start of the step of length `step` that this instant falls in.
    #[must_use]
    pub fn rounded_down(self, step: Duration) -> Self {
        let step = micros_of(step).max(1);
        Self(self.0.div_euclid(step) * step)
    }

    /// The time from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant as the standard library writes it; the epoch for anything before it.
    #[must_use]
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }

    /// The instant as RFC 3339 writes it, in UTC and whole seconds: `2026-11-24T14:30:00Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        humantime::format_rfc3339_seconds(self.to_system_time()).to_string()
    }

    /// The instant that such a text means; `None` when it is none. The time may be left out, and so may the `Z`.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let date_alone = text.len() == "2026-11-24".len();
        let text = if date_alone { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let at = humantime::parse_rfc3339_weak(&text).ok()?;
        Some(Self(micros_of(at.duration_since(UNIX_EPOCH).ok()?)))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros_of(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros_of(duration)))
    }
}

fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(micros_of(since_epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_also_before_the_epoch() {
        assert_eq!(Timestamp::from_micros(1_999_999).seconds(), 1);
        assert_eq!(Timestamp::from_micros(-1).seconds(), -1);
    }

    #[test]
    fn a_later_instant_is_no_time_ago() {
        assert_eq!(Timestamp::from_seconds(1).since(Timestamp::from_seconds(5)), Duration::ZERO);
    }

    #[test]
    fn an_instant_survives_the_way_into_a_text_and_back() {
        let at = Timestamp::from_seconds(1_800_000_000);
        assert_eq!(at.rfc3339(), "2027-01-15T08:00:00Z");
        assert_eq!(Timestamp::from_rfc3339(&at.rfc3339()), Some(at));
        assert_eq!(Timestamp::from_rfc3339("1970-01-02"), Some(Timestamp::from_seconds(86_400)));
        for text in ["", "yesterday", "1969-12-31", "2027-13-01"] {
            assert_eq!(Timestamp::from_rfc3339(text), None, "{text:?}");
        }
    }

    #[test]
    fn rounding_keeps_the_start_of_the_step() {
        let step = Duration::from_mins(5);
        assert_eq!(Timestamp::from_seconds(899).rounded_down(step), Timestamp::from_seconds(600));
    }
}
