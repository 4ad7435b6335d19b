//! Keeps a mirror as good as the feed, by long polls.

use std::{sync::Arc, time::Duration};

use reqwest::{StatusCode, Url};
use serde::Deserialize;
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    live::Entry,
    mirror::Mirror,
    settings::RevocationSettings,
    state_file::{State, StateFile},
};
use crate::{
    clock::{Clock, Timestamp},
    rng::Rng,
    service_client::{CallError, ServiceClient},
    verifier::KeySource,
};

/// How long the feed may keep a question, where nothing is new.
const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// A page of the feed with room to spare.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The first pause after a failure; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The state is written at most this often.
const BETWEEN_SAVES: Duration = Duration::from_secs(1);

/// Follows the feed.
pub struct Follower {
    mirror: Arc<Mirror>,
    client: ServiceClient,
    feed_url: Url,
    wait: Duration,
    file: Option<StateFile>,
    keys: Option<Arc<dyn KeySource>>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// Where the follower is.
#[derive(Default)]
struct Place {
    cursor: Option<String>,
    /// Whether the last answer had nothing new, so that the next question may wait.
    at_the_end: bool,
    unsaved: bool,
    saved: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    cursor: String,
    entries: Vec<Entry>,
}

enum Failure {
    /// The feed does not know the cursor.
    UnknownCursor,
    Call(CallError),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl Follower {
    /// A follower that keeps `mirror`. Nothing is asked before [`Follower::run`].
    pub fn new(
        mirror: Arc<Mirror>,
        client: ServiceClient,
        settings: &RevocationSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        // While the feed keeps a question, the mirror must not become stale.
        let wait = LONGEST_WAIT.min(settings.policy.max_staleness / 2);
        Self {
            mirror,
            client,
            feed_url: settings.feed_url.clone(),
            wait,
            file: settings.state_file.clone().map(StateFile::new),
            keys: None,
            clock,
            rng,
        }
    }

    /// Keeps the keys of `source` in the state file too.
    #[must_use]
    pub fn with_keys(mut self, source: Arc<dyn KeySource>) -> Self {
        self.keys = Some(source);
        self
    }

    /// Begins with what the state file says, then follows the feed for ever.
    pub async fn run(self) {
        let mut place = self.restored().await;
        let mut failures: u32 = 0;
        loop {
            match self.step(&mut place).await {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!("the revocation feed is followed again");
                    }
                    failures = 0;
                }
                Err(Failure::UnknownCursor) => {
                    tracing::warn!("the revocation feed has been made anew or put back; reading all of it");
                    // What the mirror knows stays: it was revoked, whatever the feed has forgotten.
                    place.cursor = None;
                    place.at_the_end = false;
                    sleep(FIRST_PAUSE).await;
                }
                Err(Failure::Call(error)) => {
                    if failures == 0 {
                        tracing::warn!(%error, "the revocation feed cannot be followed");
                    }
                    sleep(self.pause(failures)).await;
                    failures = failures.saturating_add(1);
                    // Whoever answers next may be another replica, and may wait with the answer.
                    place.at_the_end = false;
                }
            }
            self.save(&mut place).await;
        }
    }

    /// One question and its answer.
    async fn step(&self, place: &mut Place) -> Result<(), Failure> {
        let Answer { cursor, entries } = self.ask(place).await?;
        let now = self.clock.now();
        self.mirror.add(&entries);
        place.at_the_end = place.cursor.is_some() && (entries.is_empty() || place.at_the_end);
        place.cursor = Some(cursor);
        place.unsaved = true;
        if place.at_the_end {
            self.mirror.caught_up(now);
        }
        Ok(())
    }

    async fn ask(&self, place: &Place) -> Result<Answer, Failure> {
        let wait = match place {
            Place { at_the_end: false, .. } => Duration::ZERO,
            // It came too soon after the last one to be written down at once.
            Place { unsaved: true, .. } if self.file.is_some() => BETWEEN_SAVES,
            _ => self.wait,
        };
        let mut call = self.client.get(self.feed_url.clone());
        if let Some(cursor) = &place.cursor {
            call = call.query("after", cursor);
        }
        let call = call.query("wait", &wait.as_secs().to_string()).longest_answer(MAX_BODY_BYTES).long_poll(self.wait);
        let answer = call.send().await?;
        if answer.status() == StatusCode::GONE {
            return Err(Failure::UnknownCursor);
        }
        Ok(answer.success().await?.json().await?)
    }

    /// Between half and all of what it says, so that many services do not come back at once.
    fn pause(&self, failures: u32) -> Duration {
        let longest = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
        let mut chance = [0];
        self.rng.fill(&mut chance);
        longest / 2 + longest * u32::from(chance[0]) / 512
    }

    async fn restored(&self) -> Place {
        let Some(file) = self.file.clone() else { return Place::default() };
        match spawn_blocking(move || file.load()).await.unwrap_or_else(|error| Err(error.into())) {
            Ok(Some(state)) => {
                self.mirror.add(&state.entries);
                self.restore_keys(state.jwks.as_deref());
                self.mirror.caught_up(Timestamp::from_seconds(state.heard));
                Place { cursor: Some(state.cursor), ..Place::default() }
            }
            Ok(None) => Place::default(),
            Err(error) => {
                tracing::warn!(%error, "the state file of the revocations cannot be read");
                Place::default()
            }
        }
    }

    fn restore_keys(&self, document: Option<&str>) {
        let (Some(keys), Some(document)) = (&self.keys, document) else { return };
        if let Err(error) = keys.restore(document) {
            tracing::warn!(%error, "the keys in the state file are refused");
        }
    }

    /// Only what was as good as the feed is kept: half of a snapshot would let tokens pass.
    async fn save(&self, place: &mut Place) {
        let (Some(file), Some(cursor), Some(heard)) = (self.file.clone(), place.cursor.clone(), self.mirror.heard())
        else {
            return;
        };
        let now = self.clock.now();
        let is_due = place.saved.is_none_or(|saved| now.since(saved) >= BETWEEN_SAVES);
        if !(place.unsaved && place.at_the_end && is_due) {
            return;
        }
        let jwks = self.keys.as_ref().and_then(|keys| keys.document());
        let state = State { cursor, heard: heard.seconds(), entries: self.mirror.entries(), jwks };
        let saved = spawn_blocking(move || file.save(&state)).await.unwrap_or_else(|error| Err(error.into()));
        match saved {
            Ok(()) => (place.unsaved, place.saved) = (false, Some(now)),
            Err(error) => tracing::warn!(%error, "the state file of the revocations cannot be written"),
        }
    }
}
