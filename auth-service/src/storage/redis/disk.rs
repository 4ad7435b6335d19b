//! Waiting until what was written is on the disk of Redis: `WAITAOF`, which Redis has since 7.2.
//!
//! Redis keeps a connection waiting, so this has one of its own, and all who wait meanwhile share the next wait. A wait is
//! for the writes of its own connection; as the log on the disk is in the order of all writes, a small one of its own,
//! after those of others, is a fence.

use std::{
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{FromRedisValue, RedisError, RedisResult, cmd};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::{
    address::{Address, InvalidRedisUrl},
    connection::{Connection, KeptConnection},
};
use crate::ports::StoreError;

/// With `appendfsync everysec` a wait takes up to a second, or two when the disk is busy.
const DEADLINE: Duration = Duration::from_millis(2_500);

/// One question; it is shorter than the time after which a mute server is given up.
const ONE_WAIT: Duration = Duration::from_millis(250);

/// The disk of Redis.
pub(super) struct Disk {
    connection: KeptConnection,
    /// The fences that the next round sets up: keys, so that in a cluster each goes to the node that it is about.
    fences: Mutex<Vec<String>>,
    /// Held during a round.
    turn: tokio::sync::Mutex<()>,
    /// The number of the last round that was begun, and of the last one that was successful.
    begun: AtomicU64,
    reached: AtomicU64,
    /// Whether it was said that this Redis cannot do it.
    excused: AtomicBool,
}

impl Disk {
    /// Connects beside the caller, on the caller's runtime.
    pub(super) fn open(url: &SecretString) -> Result<Self, InvalidRedisUrl> {
        Ok(Self {
            connection: KeptConnection::open(Address::parse(url.expose_secret())?),
            fences: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            begun: AtomicU64::new(0),
            reached: AtomicU64::new(0),
            excused: AtomicBool::new(false),
        })
    }

    /// Until everything is on the disk that was written before, on the servers of these keys; at once where Redis cannot
    /// say so.
    pub(super) async fn reached(&self, fences: impl IntoIterator<Item = String>) -> Result<(), StoreError> {
        let late = || StoreError::Unavailable(format!("Redis has not written to its disk within {DEADLINE:?}"));
        timeout(DEADLINE, self.share_a_round(fences)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn share_a_round(&self, fences: impl IntoIterator<Item = String>) -> Result<(), StoreError> {
        let before = self.begun.load(Ordering::SeqCst);
        self.fences.lock().unwrap_or_else(PoisonError::into_inner).extend(fences);
        let _turn = self.turn.lock().await;
        if self.reached.load(Ordering::SeqCst) > before {
            return Ok(());
        }
        let round = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fences = mem::take(&mut *self.fences.lock().unwrap_or_else(PoisonError::into_inner));
        fences.sort_unstable();
        fences.dedup();
        self.round(&fences).await?;
        self.reached.store(round, Ordering::SeqCst);
        Ok(())
    }

    async fn round(&self, fences: &[String]) -> Result<(), RedisError> {
        // Of one connection: a new one would have written nothing to wait for.
        let connection = self.connection.get().await?;
        let waited = wait(&connection, fences).await;
        match &waited {
            Err(error) if cannot(error) => {
                if !self.excused.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "revocations do not wait for the disk of Redis");
                }
                return Ok(());
            }
            Err(error) if connection.is_failed_by(error) => self.connection.replace(&connection),
            _ => {}
        }
        waited
    }
}

async fn wait(connection: &Connection, fences: &[String]) -> RedisResult<()> {
    let mut slots = Vec::with_capacity(fences.len());
    for fence in fences {
        connection.send(cmd("SET").arg(fence).arg(1).arg("PX").arg(1)).await?;
        slots.push(slot(connection, fence).await?);
    }
    let mut question = cmd("WAITAOF");
    question.arg(1).arg(0).arg(u64::try_from(ONE_WAIT.as_millis()).unwrap_or(u64::MAX));
    for slot in slots {
        loop {
            let (own, _replicas) = <(u32, u32)>::from_redis_value(connection.send_to_slot(slot, &question).await?)?;
            if own > 0 {
                break;
            }
        }
    }
    Ok(())
}

/// The slot of a key; any slot where there is no cluster.
async fn slot(connection: &Connection, key: &str) -> RedisResult<u16> {
    if !connection.is_to_cluster() {
        return Ok(0);
    }
    Ok(u16::from_redis_value(connection.send_to_slot(0, cmd("CLUSTER").arg("KEYSLOT").arg(key)).await?)?)
}

/// An older Redis, one that writes nothing to a disk, or one whose rules for this user leave the command out.
fn cannot(error: &RedisError) -> bool {
    let said = error.detail().unwrap_or_default();
    error.code() == Some("NOPERM") || said.contains("unknown command") || said.contains("appendonly is disabled")
}
