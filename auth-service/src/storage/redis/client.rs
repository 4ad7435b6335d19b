//! Asks Redis one thing at a time, within a second.

use std::time::Duration;

use redis::{Cmd, RedisError, RedisResult, Value};
use rustls::crypto::aws_lc_rs::default_provider;
use secrecy::SecretString;
use tokio::time::timeout;

use super::{address::InvalidRedisUrl, connection::Connection, runtimes::Connections, scan::Scan};
use crate::ports::StoreError;

/// How long a step may take, whatever happens to the connection meanwhile.
const DEADLINE: Duration = Duration::from_millis(900);

/// Redis, as long as this lives.
pub(super) struct RedisClient {
    connections: Connections,
}

impl RedisClient {
    /// Connects beside the caller, on the caller's runtime.
    pub(super) fn open(url: &SecretString) -> Result<Self, InvalidRedisUrl> {
        // For `rediss://`. An error means that the process has one already.
        let _installed = default_provider().install_default();
        Ok(Self { connections: Connections::open(url)? })
    }

    /// Sends a command that may be carried out twice: when the connection breaks, it is sent again on a new one. In a
    /// cluster it goes to the node that has its first key.
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self.send_once(command).await {
            Err(error) if error.is_connection_dropped() => self.send_once(command).await,
            answer => answer,
        }
    }

    /// The same for a command without a key, to the primary of this slot where there is a cluster.
    pub(super) async fn send_to_slot(&self, slot: u16, command: &Cmd) -> RedisResult<Value> {
        self.connection().await?.send_to_slot(slot, command).await
    }

    /// Whether there is more than one server.
    pub(super) async fn is_cluster(&self) -> RedisResult<bool> {
        Ok(self.connection().await?.is_to_cluster())
    }

    /// All keys like this one.
    pub(super) fn scan(&self, pattern: &'static str) -> Scan<'_> {
        Scan::new(self, pattern)
    }

    async fn connection(&self) -> RedisResult<Connection> {
        self.connections.of_this_runtime()?.get().await
    }

    async fn send_once(&self, command: &Cmd) -> RedisResult<Value> {
        let kept = self.connections.of_this_runtime()?;
        let connection = kept.get().await?;
        let answer = connection.send(command).await;
        if answer.as_ref().is_err_and(|error| connection.is_failed_by(error)) {
            kept.replace(&connection);
        }
        answer
    }
}

/// A whole step of a store: it answers, or Redis is unavailable.
pub(super) async fn within_deadline<T>(step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = || StoreError::Unavailable(format!("no answer from Redis within {DEADLINE:?}"));
    timeout(DEADLINE, step).await.unwrap_or_else(|_| Err(late()))
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
