//! The scripts, each of which Redis carries out in one step.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, ServerErrorKind};

use super::{answer::Answer, client::RedisClient, fields};
use crate::ports::StoreError;

/// `include_str!` of several files in `scripts`, one after the other; those `with FIELDS` know the fields of a session.
macro_rules! script {
    ($name:literal: $($file:literal),+) => {
        LazyLock::new(|| Script::new($name, concat!($(include_str!(concat!("scripts/", $file))),+).to_owned()))
    };
    ($name:literal with FIELDS: $($file:literal),+) => {
        LazyLock::new(|| {
            let body = concat!($(include_str!(concat!("scripts/", $file))),+);
            Script::new($name, fields::as_lua() + body)
        })
    };
}

/// Stores a new session.
pub(super) static CREATE: LazyLock<Script> =
    script!("create" with FIELDS: "number.lua", "state.lua", "write.lua", "create.lua");

/// Decides what a refresh token is answered with, and carries it out.
pub(super) static REFRESH: LazyLock<Script> = script!("refresh" with FIELDS: "number.lua", "state.lua", "refresh.lua");

/// Tells whether a secret is good for a session, and notes the visit.
pub(super) static VISIT: LazyLock<Script> =
    script!("visit" with FIELDS: "number.lua", "state.lua", "write.lua", "secret.lua", "visit.lua");

/// Gives a session a new secret.
pub(super) static RENEW: LazyLock<Script> =
    script!("renew" with FIELDS: "number.lua", "state.lua", "write.lua", "secret.lua", "renew.lua");

/// Changes sessions that are alive.
pub(super) static CHANGE: LazyLock<Script> = script!("change" with FIELDS: "number.lua", "state.lua", "change.lua");

/// Reads sessions.
pub(super) static READ: LazyLock<Script> = script!("read" with FIELDS: "read.lua");

/// Names the sessions of a user.
pub(super) static INDEX: LazyLock<Script> = script!("index": "index.lua");

/// Raises the epoch of a user, and names the sessions.
pub(super) static RAISE: LazyLock<Script> = script!("raise": "raise.lua", "index.lua");

/// Adds to the revocation log.
pub(super) static APPEND: LazyLock<Script> = script!("append": "append.lua");

/// Reads the revocation log.
pub(super) static LOG: LazyLock<Script> = script!("log": "log.lua");

/// Counts an attempt, or refuses it.
pub(super) static RESERVE: LazyLock<Script> = script!("reserve": "number.lua", "counter.lua", "reserve.lua");

/// Settles an attempt that did not fail.
pub(super) static SETTLE: LazyLock<Script> = script!("settle": "number.lua", "counter.lua", "settle.lua");

/// A script, and the hash that Redis knows it by. All of them may be carried out twice; `reserve` then counts
/// twice.
pub(super) struct Script {
    name: &'static str,
    body: String,
    hash: String,
}

impl Script {
    fn new(name: &'static str, body: String) -> Self {
        let hash = redis::Script::new(&body).get_hash().to_owned();
        Self { name, body, hash }
    }

    /// One round trip. A second one only where Redis does not know the script yet, or not any more.
    pub(super) async fn run(
        &self,
        redis: &RedisClient,
        keys: &[String],
        arguments: &[String],
    ) -> Result<Answer, StoreError> {
        let answer = match redis.send(&command("EVALSHA", &self.hash, keys, arguments)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                redis.send(&command("EVAL", &self.body, keys, arguments)).await
            }
            answer => answer,
        };
        Answer::decode(answer?).ok_or_else(|| self.not_understood())
    }

    /// The answer is none that the script gives.
    pub(super) fn not_understood(&self) -> StoreError {
        StoreError::Inconsistent(format!("the answer of the script `{}`", self.name))
    }
}

fn command(name: &str, script: &str, keys: &[String], arguments: &[String]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}
