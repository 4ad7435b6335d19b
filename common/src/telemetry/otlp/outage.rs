//! How often it is said that the collector does not answer.

use std::time::{Duration, Instant};

/// At most one warning in so long, however often it comes and goes.
const PAUSE: Duration = Duration::from_mins(10);

/// What has been lost, and what has been said about it.
#[derive(Debug, Default)]
pub(super) struct Outage {
    lost: usize,
    warned: Option<Instant>,
    /// The end of what was warned about has yet to be told.
    open: bool,
}

impl Outage {
    /// Notes that `spans` were lost at `now`. Whether to warn.
    pub fn failed(&mut self, spans: usize, now: Instant) -> bool {
        self.lost += spans;
        let due = self.warned.is_none_or(|warned| now.duration_since(warned) >= PAUSE);
        if due {
            self.warned = Some(now);
            self.open = true;
        }
        due
    }

    /// Notes that spans arrive. How many were lost until now, where that is to be told.
    pub fn worked(&mut self) -> Option<usize> {
        if !self.open {
            return None;
        }
        self.open = false;
        Some(std::mem::take(&mut self.lost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_when_it_begins_and_when_it_ends() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        assert_eq!(outage.worked(), None);
        assert!(outage.failed(3, now));
        assert!(!outage.failed(4, now + Duration::from_secs(5)));
        assert_eq!((outage.worked(), outage.worked()), (Some(7), None));
    }

    #[test]
    fn one_that_lasts_is_told_again_after_a_while() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        let warnings = (0..=120).filter(|round| outage.failed(1, now + Duration::from_secs(5) * *round)).count();
        assert_eq!(warnings, 2);
        assert_eq!(outage.worked(), Some(121));
    }

    #[test]
    fn a_collector_that_comes_and_goes_does_not_fill_the_log() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        let told = (0..100).filter(|round| {
            let warned = outage.failed(1, now + Duration::from_secs(5) * *round);
            outage.worked().is_some() || warned
        });
        assert_eq!(told.count(), 1);
    }
}
