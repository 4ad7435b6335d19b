//! Users who were deleted at auth-service, for services that keep something of theirs.
//!
//! Nobody can log in as a deleted user any more, and the [revocation feed](crate::revocation) ends their tokens as soon as
//! the session store can be reached. This is for what stays behind: notes, files, whatever is kept under a user's `sub`.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{outbound::beside, service_client::ServiceClient};

/// A page of the list with room to spare.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Where a service keeps what it has of its users, and how far it has read the list. Several replicas may do so at once,
/// and each method may be called again.
#[async_trait]
pub trait ForgetUsers: Send + Sync {
    /// How far the list has been read; `None` at first.
    async fn cursor(&self) -> Result<Option<String>, Box<dyn Error + Send + Sync>>;

    /// Deletes what there is of `users`, and keeps `cursor` not before it is certain that they will be forgotten. Called in
    /// every round, also with nobody: a token that was good for a moment longer may have brought something back.
    async fn forget(&self, users: &[Uuid], cursor: Option<&str>) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// The list was put back to an earlier state, and some who were deleted may be there again: nobody is deleted any more
    /// as far as this service knows, and there is no cursor.
    async fn begin_again(&self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// Reads the list.
pub struct DeletedUsers {
    client: ServiceClient,
    url: Url,
    memory: Arc<dyn ForgetUsers>,
}

#[derive(Deserialize)]
struct Answer {
    cursor: Option<String>,
    users: Vec<Deleted>,
}

#[derive(Deserialize)]
struct Deleted {
    sub: Uuid,
}

impl DeletedUsers {
    /// For a service that follows the revocation feed at `feed_url`: the list is beside it. Its client needs the scope
    /// `users:deleted`. Nothing is asked before [`DeletedUsers::run`].
    #[must_use]
    pub fn beside(feed_url: &Url, client: ServiceClient, memory: Arc<dyn ForgetUsers>) -> Self {
        Self { client, url: beside(feed_url, "deleted-users"), memory }
    }

    /// Forgets who is gone, once every `pause`, for ever.
    pub async fn run(self, pause: Duration) {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            let done = self.round().await;
            match &done {
                Ok(()) if failing => tracing::info!("deleted users are forgotten again"),
                Err(error) if !failing => tracing::warn!(%error, "deleted users cannot be forgotten"),
                Ok(()) | Err(_) => {}
            }
            failing = done.is_err();
        }
    }

    /// Reads what is new, to the end.
    async fn round(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut cursor = self.memory.cursor().await?;
        loop {
            let mut call = self.client.get(self.url.clone()).longest_answer(MAX_BODY_BYTES);
            if let Some(cursor) = &cursor {
                call = call.query("after", cursor);
            }
            let answer = call.send().await?;
            if answer.status() == StatusCode::GONE && cursor.is_some() {
                tracing::warn!("the list of deleted users has been put back; reading all of it");
                self.memory.begin_again().await?;
                cursor = None;
                continue;
            }
            let Answer { cursor: next, users } = answer.success().await?.json().await?;
            let gone: Vec<Uuid> = users.into_iter().map(|user| user.sub).collect();
            self.memory.forget(&gone, next.as_deref()).await?;
            if gone.is_empty() {
                return Ok(());
            }
            cursor = next;
        }
    }
}
