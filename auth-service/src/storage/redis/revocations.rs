//! The revocation log: a stream, in a slot of its own. An entry's id is given by Redis.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::clock::Timestamp;

use super::{
    answer::Answer,
    client::{RedisClient, within_deadline},
    disk::Disk,
    keys, script,
};
use crate::{
    domain::revocation::{Cursor, Revocation, Revoked},
    ports::{LogPage, RevocationLog, StoreError},
};

/// Where a log ends that is empty.
const START: &str = "0-0";

/// The [`RevocationLog`] in Redis.
#[derive(Clone)]
pub struct RedisRevocations {
    redis: Arc<RedisClient>,
    disk: Arc<Disk>,
    kept: Duration,
}

impl RedisRevocations {
    pub(super) fn new(redis: Arc<RedisClient>, disk: Arc<Disk>, kept: Duration) -> Self {
        Self { redis, disk, kept }
    }

    /// Adds to the log, within the caller's deadline.
    pub(super) async fn add(
        &self,
        revoked: Vec<Revoked>,
        before: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if revoked.is_empty() {
            return Ok(());
        }
        let until = (now + self.kept).micros().to_string();
        let before = before.map(|second| second.to_string()).unwrap_or_default();
        let mut arguments = vec![self.kept.as_millis().to_string()];
        for (kind, name) in revoked.iter().map(Revoked::parts) {
            arguments.extend([kind.to_owned(), name, before.clone(), until.clone()]);
        }
        match script::APPEND.run(&self.redis, &keys::log(), &arguments).await? {
            Answer::Appended => Ok(()),
            _ => Err(script::APPEND.not_understood()),
        }
    }
}

#[async_trait]
impl RevocationLog for RedisRevocations {
    async fn append(&self, revoked: Vec<Revoked>, before: Option<i64>, now: Timestamp) -> Result<(), StoreError> {
        within_deadline(self.add(revoked, before, now)).await?;
        self.disk.reached([keys::log_fence()]).await
    }

    async fn read(&self, after: Option<&Cursor>, limit: u32) -> Result<LogPage, StoreError> {
        let (epoch, position) =
            after.map_or_else(Default::default, |cursor| (cursor.epoch.clone(), cursor.position.clone()));
        let arguments = [epoch, position.clone(), limit.to_string(), self.kept.as_millis().to_string()];
        within_deadline(async {
            match script::LOG.run(&self.redis, &keys::log(), &arguments).await? {
                Answer::Log { epoch, entries } => {
                    let before = if position.is_empty() { START.to_owned() } else { position };
                    let position = entries.last().map_or(before, |entry| entry.position.clone());
                    Ok(LogPage::Entries { cursor: Cursor { epoch, position }, entries })
                }
                Answer::UnknownCursor => Ok(LogPage::UnknownCursor),
                _ => Err(script::LOG.not_understood()),
            }
        })
        .await
    }
}

/// An entry as the script gives it.
pub(super) fn revocation(kind: &str, name: String, before: &str, until: &str) -> Option<Revocation> {
    let before = if before.is_empty() { None } else { Some(before.parse().ok()?) };
    let until = Timestamp::from_micros(until.parse().ok()?);
    Some(Revocation { revoked: Revoked::from_parts(kind, name).ok()?, before, until })
}
