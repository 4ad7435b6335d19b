//! A refresh as auth-service's script alone decides about it: a session without a user, what its holder holds, and what the
//! script is asked and answers.

use std::{mem, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::clock::Timestamp;
use redis::{Pipeline, RedisWrite, ToRedisArgs, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::fields::Field;

#[path = "../../auth-service/src/storage/redis/fields.rs"]
mod fields;

/// What auth-service puts together after the names of the fields.
const SCRIPT: &str = concat!(
    include_str!("../../auth-service/src/storage/redis/scripts/number.lua"),
    include_str!("../../auth-service/src/storage/redis/scripts/state.lua"),
    include_str!("../../auth-service/src/storage/redis/scripts/refresh.lua"),
);

/// What the device of a session is called.
pub const DEVICE_FIELD: &str = Field::Device.name();

/// Sessions in one pipeline.
const AT_ONCE: usize = 500;

/// Sessions of each who has the script run. A token is young for up to two seconds, as the hold of one is told in whole seconds: whoever
/// does fewer than half as many a second hands out a new one each time.
pub const SESSIONS: u32 = 40_000;

const MONTH: Duration = Duration::from_hours(30 * 24);
const HOLD_SECONDS: u64 = 1;

/// What a refresh token says about a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which session, from 0.
    pub session: u32,
    id: String,
    parent: String,
    generation: u64,
    issued_at: i64,
}

/// An answer of the script that grants nothing.
#[derive(Debug, thiserror::Error)]
#[error("Redis has answered {0:?}")]
pub struct NotGranted(Value);

impl Held {
    /// Of a session that has just begun, as [`seeds`] put it into Redis.
    #[must_use]
    pub fn first(session: u32) -> Self {
        Self { session, id: "first".to_owned(), parent: String::new(), generation: 0, issued_at: 0 }
    }

    /// What is held after this answer of the script, at `now`.
    pub fn follow(&mut self, answer: Value, now: Timestamp) -> Result<(), NotGranted> {
        let Value::Array(fields) = &answer else { return Err(NotGranted(answer)) };
        match &fields[..] {
            [Value::BulkString(granted), Value::BulkString(rotation), ..] if granted == b"granted" => {
                if rotation != b"same" {
                    self.parent = mem::replace(&mut self.id, new_id());
                    self.generation += 1;
                    self.issued_at = now.seconds();
                }
                Ok(())
            }
            _ => Err(NotGranted(answer)),
        }
    }
}

/// As long as those of auth-service.
fn new_id() -> String {
    URL_SAFE_NO_PAD.encode(Uuid::new_v4())
}

/// The script's arguments, after its key.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    /// What is presented.
    pub held: &'a Held,
    /// When.
    pub now: Timestamp,
}

impl ToRedisArgs for Arguments<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        let Self { held, now } = self;
        now.micros().write_redis_args(out);
        now.seconds().write_redis_args(out);
        HOLD_SECONDS.write_redis_args(out);
        held.id.write_redis_args(out);
        held.parent.write_redis_args(out);
        held.generation.write_redis_args(out);
        held.generation.saturating_sub(1).write_redis_args(out);
        held.issued_at.write_redis_args(out);
        (*now + MONTH).micros().write_redis_args(out);
        MONTH.as_millis().to_string().write_redis_args(out);
    }

    fn num_of_args(&self) -> usize {
        10
    }
}

/// As auth-service puts it together.
#[must_use]
pub fn script() -> String {
    fields::as_lua() + SCRIPT
}

/// Where a session of `owner` is.
#[must_use]
pub fn key(owner: &str, session: u32) -> String {
    format!("{owner}:{{{session}}}")
}

/// Puts the sessions of `owner` into Redis, begun at `now`: some of them with each.
pub fn seeds(owner: &str, now: Timestamp) -> impl Iterator<Item = Pipeline> {
    let record = record(now);
    (0..SESSIONS).step_by(AT_ONCE).map(move |first| {
        let mut some = Pipeline::new();
        for session in (first..SESSIONS).take(AT_ONCE) {
            some.cmd("HSET").arg(key(owner, session)).arg(&record[..]).ignore();
        }
        some
    })
}

/// The record of a session as auth-service keeps it, and nobody's, begun at `now`: names of fields and what they hold.
fn record(now: Timestamp) -> Vec<(&'static str, String)> {
    let (now, later) = (now.micros().to_string(), (now + MONTH).micros().to_string());
    [
        (Field::Current, "first".to_owned()),
        (Field::Generation, "0".to_owned()),
        (Field::LastSeen, now.clone()),
        (Field::IdleExpiry, later.clone()),
        (Field::AbsoluteExpiry, later),
        (Field::CreatedAt, now),
        (Field::Mode, "bearer".to_owned()),
        (Field::ClientId, "first-party".to_owned()),
        (Field::Scope, "notes:read notes:write".to_owned()),
        (Field::Device, "Firefox on Linux".to_owned()),
        (Field::Address, "127.0.0.1".to_owned()),
    ]
    .into_iter()
    .map(|(field, content)| (field.name(), content))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(words: &[&str]) -> Value {
        Value::Array(words.iter().map(|word| Value::BulkString(word.as_bytes().to_vec())).collect())
    }

    #[test]
    fn a_child_follows_its_parent_and_a_young_one_stays() {
        let now = Timestamp::from_micros(5_000_000);
        let mut held = Held::first(7);
        held.follow(answer(&["granted", "child", "no"]), now).unwrap();
        assert_eq!((held.session, held.parent.as_str(), held.generation, held.issued_at), (7, "first", 1, 5));
        let child = held.clone();
        held.follow(answer(&["granted", "same", "no"]), now).unwrap();
        assert_eq!(held, child);
        assert!(held.follow(answer(&["reuse"]), now).is_err());
        assert!(held.follow(Value::Nil, now).is_err());
    }

    #[test]
    fn every_argument_is_one() {
        let arguments = Arguments { held: &Held::first(0), now: Timestamp::from_micros(5_000_000) };
        assert_eq!(arguments.to_redis_args().len(), arguments.num_of_args());
    }
}
