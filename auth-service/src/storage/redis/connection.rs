//! One connection that many requests share, and the task that keeps it up.

use std::{sync::Arc, time::Duration};

use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn},
    time::sleep,
};

use super::{address::Address, link::Link};

/// Between two attempts while Redis is away.
const PAUSE: Duration = Duration::from_millis(100);

/// The connection of the moment, if there is one.
pub(super) struct KeptConnection {
    state: Arc<watch::Sender<State>>,
    keeper: AbortHandle,
}

#[derive(Clone)]
enum State {
    /// The first attempt, or the first since a connection broke, is under way.
    Connecting,
    Up(Connection),
    /// To a cluster: it has failed for one node, and serves the others until there is a better one.
    Doubted(Connection),
    /// The last attempt failed; the next follows soon.
    Down(RedisError),
}

/// A connection to send on.
#[derive(Clone)]
pub(super) struct Connection {
    number: u64,
    link: Link,
}

impl KeptConnection {
    /// Begins to connect, on the caller's runtime.
    pub(super) fn open(address: Address) -> Self {
        let state = Arc::new(watch::Sender::new(State::Connecting));
        let keeper = spawn(keep_up(address, Arc::clone(&state))).abort_handle();
        Self { state, keeper }
    }

    /// The connection. Without one, waits for the attempt that is under way, or for the next one.
    pub(super) async fn get(&self) -> RedisResult<Connection> {
        let mut state = self.state.subscribe();
        if let State::Up(connection) | State::Doubted(connection) = &*state.borrow_and_update() {
            return Ok(connection.clone());
        }
        loop {
            if state.changed().await.is_err() {
                return Err((redis::ErrorKind::Io, "nobody keeps up the connection").into());
            }
            match &*state.borrow_and_update() {
                State::Up(connection) | State::Doubted(connection) => return Ok(connection.clone()),
                State::Down(error) => return Err(error.clone()),
                State::Connecting => {}
            }
        }
    }

    /// Whether the task still runs: it ends with its runtime.
    pub(super) fn is_kept(&self) -> bool {
        !self.keeper.is_finished()
    }

    /// Has a connection replaced that is no good, unless somebody else has done so.
    pub(super) fn replace(&self, connection: &Connection) {
        self.state.send_if_modified(|state| {
            let is_current = matches!(state, State::Up(current) if current.number == connection.number);
            if is_current {
                *state =
                    if connection.is_to_cluster() { State::Doubted(connection.clone()) } else { State::Connecting };
            }
            is_current
        });
    }
}

impl Drop for KeptConnection {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Connection {
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        self.link.send(command).await
    }

    pub(super) async fn send_to_slot(&self, slot: u16, command: &Cmd) -> RedisResult<Value> {
        self.link.send_to_slot(slot, command).await
    }

    pub(super) fn is_to_cluster(&self) -> bool {
        matches!(self.link, Link::ToCluster(_))
    }

    /// Whether another connection may do better.
    pub(super) fn is_failed_by(&self, error: &RedisError) -> bool {
        self.link.is_failed_by(error)
    }
}

/// Whatever the reason, a failed attempt is followed by another: a wrong password may be put right in Redis.
async fn keep_up(mut address: Address, state: Arc<watch::Sender<State>>) {
    let mut watched = state.subscribe();
    for number in 0.. {
        match address.connect().await {
            Ok(link) => {
                tracing::info!("connected to Redis");
                state.send_replace(State::Up(Connection { number, link }));
                // An error would mean that the sender is gone, and this task holds one.
                let _replaced = watched.wait_for(|state| !matches!(state, State::Up(_))).await;
            }
            Err(error) => {
                let error = without_server_text(error);
                if !matches!(&*state.borrow(), State::Down(_)) {
                    tracing::warn!(%error, "Redis cannot be reached");
                }
                state.send_replace(State::Down(error));
                sleep(PAUSE).await;
            }
        }
    }
}

/// A server that does not know the command for it may quote the password.
fn without_server_text(error: RedisError) -> RedisError {
    if error.is_io_error() { error } else { (error.kind(), "refused by the server").into() }
}
