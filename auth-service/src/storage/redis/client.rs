//! Asks Redis one thing at a time, within a second.

use std::time::Duration;

use redis::{Client, Cmd, ConnectionAddr, RedisError, RedisResult, Value};
use rustls::crypto::aws_lc_rs::default_provider;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::connection::{Connection, KeptConnection};
use crate::ports::StoreError;

/// How long a step may take, whatever happens to the connection meanwhile.
const DEADLINE: Duration = Duration::from_millis(900);

/// Why an address is refused. The address itself is not quoted, since it holds a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedisUrl {
    /// It is not one.
    #[error("must look like redis://user:password@host:6379/0, or rediss:// for TLS")]
    NotUnderstood,
    /// `#insecure`: a connection that anybody may read is better asked for by its name.
    #[error("must not switch off the verification of certificates: trust the authority's certificate, or use redis://")]
    UnverifiedTls,
}

/// Redis, as long as this lives.
pub(super) struct RedisClient {
    connection: KeptConnection,
}

impl RedisClient {
    /// Connects beside the caller, on the caller's runtime.
    pub(super) fn open(url: &SecretString) -> Result<Self, InvalidRedisUrl> {
        let client = Client::open(url.expose_secret()).map_err(|_| InvalidRedisUrl::NotUnderstood)?;
        match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(..) | ConnectionAddr::TcpTls { insecure: false, .. } => {}
            ConnectionAddr::TcpTls { insecure: true, .. } => return Err(InvalidRedisUrl::UnverifiedTls),
            _ => return Err(InvalidRedisUrl::NotUnderstood),
        }
        // For `rediss://`. An error means that the process has one already.
        let _installed = default_provider().install_default();
        Ok(Self { connection: KeptConnection::open(client) })
    }

    /// Sends a command that may be carried out twice: when the connection breaks, it is sent again on a new one.
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self.send_on(&self.connection.get().await?, command).await {
            Err(error) if error.is_connection_dropped() => self.send_on(&self.connection.get().await?, command).await,
            answer => answer,
        }
    }

    async fn send_on(&self, connection: &Connection, command: &Cmd) -> RedisResult<Value> {
        let answer = connection.send(command).await;
        if answer.as_ref().is_err_and(is_of_the_connection) {
            self.connection.replace(connection);
        }
        answer
    }
}

/// Whether another connection may do better: this one is broken, mute, no longer trusted, or to a server that has become
/// a replica.
fn is_of_the_connection(error: &RedisError) -> bool {
    matches!(error.code(), None | Some("NOAUTH" | "READONLY"))
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
