//! What `auth-service check` wants to know of Redis.

use std::{collections::HashMap, time::Duration};

use common::clock::Timestamp;
use redis::{Cmd, RedisError, RedisResult, cmd, from_redis_value};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::{address::Address, client::RedisClient, scan::primaries};
use crate::domain::diagnosis::{RedisFacts, Version};

const DEADLINE: Duration = Duration::from_secs(5);

/// Why nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFacts {
    /// It refuses the user or the password.
    #[error("it refuses the user or the password")]
    Refused,
    /// The user may not ask.
    #[error("the user may not ask what has to be known")]
    Forbidden,
    /// It cannot be reached, or does not answer.
    #[error("{0}")]
    Away(String),
}

impl From<RedisError> for NoFacts {
    fn from(error: RedisError) -> Self {
        match error.code() {
            Some("WRONGPASS" | "NOAUTH") => Self::Refused,
            Some("NOPERM") => Self::Forbidden,
            _ if error.kind() == redis::ErrorKind::AuthenticationFailed => Self::Refused,
            _ => Self::Away(error.to_string()),
        }
    }
}

/// The facts of the server, or of each primary of a cluster. `REDIS_URL` has been read before, so it is one.
pub async fn redis_facts(url: &SecretString) -> Result<Vec<RedisFacts>, NoFacts> {
    let late = |_| Err(NoFacts::Away(format!("no answer within {DEADLINE:?}")));
    timeout(DEADLINE, gather(url)).await.unwrap_or_else(late)
}

async fn gather(url: &SecretString) -> Result<Vec<RedisFacts>, NoFacts> {
    let not_a_url = |error: super::InvalidRedisUrl| NoFacts::Away(error.to_string());
    // The kept connection tries for ever, and keeps the reason to itself.
    Address::parse(url.expose_secret()).map_err(not_a_url)?.connect().await?;
    let redis = RedisClient::open(url).map_err(not_a_url)?;
    let mut facts = Vec::new();
    for slot in primaries(&redis).await? {
        facts.push(of_server(&redis, slot).await?);
    }
    Ok(facts)
}

async fn of_server(redis: &RedisClient, slot: u16) -> Result<RedisFacts, NoFacts> {
    let info: String = ask(redis, slot, cmd("INFO").arg("everything")).await?;
    let info: HashMap<_, _> = info.lines().filter_map(|line| line.trim().split_once(':')).collect();
    let is = |name: &str, value: &str| info.get(name) == Some(&value);
    // Where it is not allowed, which is usual for servers that others run, the rest still is of use.
    let fsync = ask::<Vec<String>>(redis, slot, cmd("CONFIG").arg(&["GET", "appendfsync"])).await.ok();
    let (seconds, micros): (i64, i64) = ask(redis, slot, &cmd("TIME")).await?;
    Ok(RedisFacts {
        version: info.get("redis_version").and_then(|text| version(text)).unwrap_or_default(),
        is_replica: is("role", "slave"),
        appends: is("aof_enabled", "1"),
        fsync: fsync.and_then(|pair| pair.into_iter().nth(1)),
        writes: is("aof_last_write_status", "ok"),
        eviction: (*info.get("maxmemory_policy").unwrap_or(&"unknown")).to_owned(),
        time: Timestamp::from_micros(seconds.saturating_mul(1_000_000).saturating_add(micros)),
    })
}

async fn ask<T: redis::FromRedisValue>(redis: &RedisClient, slot: u16, command: &Cmd) -> RedisResult<T> {
    Ok(from_redis_value(redis.send_to_slot(slot, command).await?)?)
}

fn version(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}
