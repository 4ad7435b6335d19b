//! Sessions added to Redis, under the keys and with the fields that auth-service gives them.

use std::{collections::BTreeMap, ops::Range, thread, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bench::rotation::DEVICE_FIELD;
use redis::{Client, Connection, Pipeline};
use uuid::Uuid;

use super::added::{self, Added, DEVICE, SESSIONS_OF_ONE};
use crate::{failure::Failure, finding::RedisRecord};

/// Sessions in one pipeline.
const AT_ONCE: usize = 1_000;

/// Tables that have grown are moved a little at a time, and take more until that is over.
const SETTLES: Duration = Duration::from_secs(10);

/// A Redis with a real session in it.
pub struct RedisStore {
    connection: Connection,
    fields: BTreeMap<String, String>,
    expiry: i64,
    kept_ms: i64,
    index_kept_ms: i64,
}

impl RedisStore {
    /// Takes any session that is there as the pattern.
    pub fn open(url: &str) -> Result<Self, Failure> {
        let mut connection = Client::open(url)?.get_connection()?;
        let key = any_session(&mut connection)?;
        let fields: BTreeMap<String, String> = ask(&mut connection, "HGETALL", &[&key])?;
        let (index, _) = key.split_once(":s:").unwrap_or_default();
        let (kept_ms, index_kept_ms) =
            (ask(&mut connection, "PTTL", &[&key])?, ask(&mut connection, "PTTL", &[index])?);
        let (_, expiry) = ask::<Vec<(String, i64)>>(&mut connection, "ZRANGE", &[index, "0", "0", "WITHSCORES"])?
            .pop()
            .ok_or_else(|| Failure::Other("A session in Redis is in no index.".to_owned()))?;
        Ok(Self { connection, fields: with_a_browser(fields), expiry, kept_ms, index_kept_ms })
    }
}

impl Added for RedisStore {
    fn add(&mut self, numbers: Range<u32>) -> Result<(), Failure> {
        let numbers: Vec<u32> = numbers.collect();
        for some in numbers.chunks(AT_ONCE) {
            let mut pipeline = Pipeline::with_capacity(some.len() * 4);
            for number in some {
                let (key, index) = (key(*number), index(*number));
                pipeline.hset_multiple(&key, &self.fields.iter().collect::<Vec<_>>()).ignore();
                pipeline.pexpire(&key, self.kept_ms).ignore();
                pipeline.zadd(&index, id(&added::session(*number)), self.expiry).ignore();
                pipeline.pexpire(&index, self.index_kept_ms).ignore();
            }
            pipeline.exec(&mut self.connection)?;
        }
        thread::sleep(SETTLES);
        Ok(())
    }

    fn bytes(&mut self) -> Result<u64, Failure> {
        let info: String = ask(&mut self.connection, "INFO", &["memory"])?;
        used_memory(&info).ok_or_else(|| Failure::Other("Redis does not say how much memory it uses.".to_owned()))
    }

    fn record(&mut self) -> Result<Option<RedisRecord>, Failure> {
        let (key, index) = (key(0), index(0));
        let connection = &mut self.connection;
        let name_bytes = self.fields.keys().map(String::len).sum::<usize>();
        Ok(Some(RedisRecord {
            content_bytes: name_bytes + self.fields.values().map(String::len).sum::<usize>(),
            name_bytes,
            key_bytes: key.len(),
            encoding: ask(connection, "OBJECT", &["ENCODING", &key])?,
            record_memory_bytes: ask(connection, "MEMORY", &["USAGE", &key])?,
            index_memory_bytes: ask(connection, "MEMORY", &["USAGE", &index, "SAMPLES", "0"])?,
            index_sessions: SESSIONS_OF_ONE,
        }))
    }
}

fn key(number: u32) -> String {
    format!("lk:{{{}}}:s:{}", id(&added::user_of(number)), id(&added::session(number)))
}

fn index(number: u32) -> String {
    format!("lk:{{{}}}", id(&added::user_of(number)))
}

/// The UUID as it is in keys and members.
fn id(uuid: &str) -> String {
    URL_SAFE_NO_PAD.encode(Uuid::parse_str(uuid).unwrap_or_default())
}

/// The drivers of loads are no browsers, but most users have one.
fn with_a_browser(mut fields: BTreeMap<String, String>) -> BTreeMap<String, String> {
    fields.insert(DEVICE_FIELD.to_owned(), DEVICE.to_owned());
    fields
}

fn any_session(connection: &mut Connection) -> Result<String, Failure> {
    let mut cursor = "0".to_owned();
    loop {
        let (next, keys): (String, Vec<String>) = ask(connection, "SCAN", &[&cursor, "MATCH", "lk:{*}:s:*"])?;
        if let Some(key) = keys.into_iter().next() {
            return Ok(key);
        }
        if next == "0" {
            return Err(Failure::Other("There is no session in Redis.".to_owned()));
        }
        cursor = next;
    }
}

fn ask<T: redis::FromRedisValue>(connection: &mut Connection, command: &str, args: &[&str]) -> Result<T, Failure> {
    Ok(redis::cmd(command).arg(args).query(connection)?)
}

fn used_memory(info: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_in_use_is_not_that_of_the_process() {
        assert_eq!(used_memory("# Memory\r\nused_memory_rss:9\r\nused_memory:1024\r\n"), Some(1_024));
    }

    #[test]
    fn keys_are_those_of_auth_service() {
        let key = key(12);
        assert_eq!(key, "lk:{AZAAAAAAcACAAAAAAAAAAQ}:s:AZAAAAAAcACQAAAAAAAAEg");
        assert_eq!(index(12), "lk:{AZAAAAAAcACAAAAAAAAAAQ}");
    }
}
