//! The feed from which other services learn what was revoked: one reader of the log for all who wait.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use common::{telemetry::metrics::Metrics, verifier::LEEWAY};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{Policy, longest_token};
use crate::{
    domain::revocation::{Cursor, Revocation},
    ports::{LogEntry, LogPage, RevocationLog, StoreError},
};

/// How many entries one answer has at the most. More follow at once.
const PAGE: u32 = 5_000;

/// How often the log is looked at while somebody waits.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How many of the newest entries are remembered, for those who were told of all but them.
const REMEMBERED: usize = 1_024;

/// The longest that any access token lives, and a minute: so long entries are kept.
#[must_use]
pub fn log_kept(policy: &Policy) -> Duration {
    longest_token(policy.access_ttl, policy.access_only_ttl) + LEEWAY + Duration::from_mins(1)
}

/// What a mirror is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether it is all from the start, not only what is new.
    pub snapshot: bool,
    /// In the order in which they were revoked.
    pub entries: Vec<Revocation>,
}

/// Why it is told nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The log does not know the place: ask without one.
    #[error("the log does not know this cursor")]
    UnknownCursor,
    /// The store is down or slow.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The feed of one replica.
pub struct RevocationFeed {
    log: Arc<dyn RevocationLog>,
    recent: watch::Sender<Option<Recent>>,
    waiting: Gauge,
}

/// The newest entries, and the place before the first of them.
struct Recent {
    epoch: String,
    base: String,
    entries: VecDeque<LogEntry>,
}

impl Recent {
    fn at(cursor: &Cursor) -> Self {
        Self { epoch: cursor.epoch.clone(), base: cursor.position.clone(), entries: VecDeque::new() }
    }

    fn tip(&self) -> Cursor {
        let position = self.entries.back().map_or(&self.base, |entry| &entry.position);
        Cursor { epoch: self.epoch.clone(), position: position.clone() }
    }

    fn push(&mut self, entries: Vec<LogEntry>) {
        self.entries.extend(entries);
        while self.entries.len() > REMEMBERED
            && let Some(oldest) = self.entries.pop_front()
        {
            self.base = oldest.position;
        }
    }

    /// `None` where it does not remember the place.
    fn after(&self, cursor: &Cursor) -> Option<Told> {
        let from = if cursor.epoch != self.epoch {
            return None;
        } else if cursor.position == self.base {
            0
        } else {
            self.entries.iter().rposition(|entry| entry.position == cursor.position)? + 1
        };
        let entries = self.entries.range(from..).map(|entry| entry.revocation.clone()).collect();
        Some(Told { cursor: self.tip(), snapshot: false, entries })
    }
}

impl RevocationFeed {
    /// A feed of `log`. [`RevocationFeed::run`] must go on beside it.
    #[must_use]
    pub fn new(log: Arc<dyn RevocationLog>, metrics: &Metrics) -> Self {
        let waiting = Gauge::default();
        let counted = waiting.clone();
        metrics.gauge("revocation_feed_waiting", "Mirrors that wait for revocations", move || Some(counted.get()));
        Self { log, recent: watch::Sender::new(None), waiting }
    }

    /// What follows `after`, or everything from the start. Waits up to `patience` where nothing does.
    pub async fn tell(&self, after: Option<Cursor>, patience: Duration) -> Result<Told, FeedError> {
        // Before the first look, so that nothing falls in between.
        let mut changes = self.recent.subscribe();
        changes.mark_unchanged();
        let mut told = self.look(after.as_ref()).await?;
        if after.is_none() || !told.entries.is_empty() {
            return Ok(told);
        }
        self.begin_at(&told.cursor);
        let _waiting = Waiting::of(&self.waiting);
        let news = async {
            while told.entries.is_empty() {
                if changes.changed().await.is_err() {
                    break;
                }
                let remembered = changes.borrow_and_update().as_ref().and_then(|recent| recent.after(&told.cursor));
                told = if let Some(told) = remembered {
                    told
                } else {
                    let told = self.look(Some(&told.cursor)).await?;
                    self.begin_at(&told.cursor);
                    told
                };
            }
            Ok::<(), FeedError>(())
        };
        if let Ok(result) = timeout(patience, news).await {
            result?;
        }
        Ok(told)
    }

    async fn look(&self, after: Option<&Cursor>) -> Result<Told, FeedError> {
        match self.log.read(after, PAGE).await? {
            LogPage::Entries { cursor, entries } => {
                let entries = entries.into_iter().map(|entry| entry.revocation).collect();
                Ok(Told { cursor, snapshot: after.is_none(), entries })
            }
            LogPage::UnknownCursor => Err(FeedError::UnknownCursor),
        }
    }

    /// Has the reader go on from here, if it has no place yet.
    fn begin_at(&self, cursor: &Cursor) {
        self.recent.send_if_modified(|recent| {
            recent.get_or_insert_with(|| Recent::at(cursor));
            false
        });
    }

    /// Looks at the log for all who wait, for ever.
    pub async fn run(self: Arc<Self>) {
        let mut ticks = interval(LOOK_AGAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.recent.receiver_count() == 0 {
                continue;
            }
            let Some(tip) = self.recent.borrow().as_ref().map(Recent::tip) else { continue };
            match self.log.read(Some(&tip), PAGE).await {
                Ok(LogPage::Entries { entries, .. }) if entries.is_empty() => {}
                Ok(LogPage::Entries { entries, .. }) => self.recent.send_modify(|recent| {
                    if let Some(recent) = recent {
                        recent.push(entries);
                    }
                }),
                // Whoever waits looks again, and is told.
                Ok(LogPage::UnknownCursor) => {
                    self.recent.send_replace(None);
                }
                Err(error) => tracing::debug!(%error, "the revocation log cannot be read"),
            }
        }
    }
}

/// Counted for as long as it lives, however the wait ends.
struct Waiting<'g>(&'g Gauge);

impl<'g> Waiting<'g> {
    fn of(gauge: &'g Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use common::clock::Timestamp;

    use super::*;
    use crate::domain::revocation::Revoked;

    fn entry(number: usize) -> LogEntry {
        let revoked = Revoked::Token(number.to_string());
        let until = Timestamp::from_seconds(0);
        LogEntry { position: number.to_string(), revocation: Revocation { revoked, before: None, until } }
    }

    fn cursor(epoch: &str, position: usize) -> Cursor {
        Cursor { epoch: epoch.to_owned(), position: position.to_string() }
    }

    #[test]
    fn what_is_remembered_is_told_from_the_place_on_that_was_asked_for() {
        let mut recent = Recent::at(&cursor("e", 0));
        recent.push((1..=5).map(entry).collect());
        let names = |position| recent.after(&cursor("e", position)).map(|told| told.entries.len());
        assert_eq!([0, 3, 5, 6].map(names), [Some(5), Some(2), Some(0), None]);
        assert_eq!(recent.after(&cursor("other", 3)), None);
        assert_eq!(recent.after(&cursor("e", 3)).unwrap().cursor, cursor("e", 5));
    }

    #[test]
    fn only_so_much_is_remembered() {
        let mut recent = Recent::at(&cursor("e", 0));
        recent.push((1..=REMEMBERED + 10).map(entry).collect());
        assert_eq!(recent.after(&cursor("e", 9)), None);
        assert_eq!(recent.after(&cursor("e", 10)).unwrap().entries.len(), REMEMBERED);
    }
}
