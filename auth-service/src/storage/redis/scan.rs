//! Goes through the keys of one server, or of all primaries of a cluster.

use std::collections::BTreeMap;

use redis::{ErrorKind, RedisError, RedisResult, Value, from_redis_value};

use super::client::RedisClient;

/// How many keys Redis looks at for one page.
const PAGE: usize = 500;

/// Where a scan is. A key that is there all the while is found at least once.
pub(super) struct Scan<'a> {
    redis: &'a RedisClient,
    pattern: &'static str,
    /// For each primary that is left, one of its slots; `None` before the first page.
    left: Option<Vec<u16>>,
    cursor: u64,
}

impl<'a> Scan<'a> {
    pub(super) fn new(redis: &'a RedisClient, pattern: &'static str) -> Self {
        Self { redis, pattern, left: None, cursor: 0 }
    }

    /// Some more keys, perhaps none of them; `None` at the end.
    pub(super) async fn next_page(&mut self) -> RedisResult<Option<Vec<String>>> {
        let left = match &mut self.left {
            Some(left) => left,
            unknown => unknown.insert(primaries(self.redis).await?),
        };
        let Some(slot) = left.last() else { return Ok(None) };
        let mut command = redis::cmd("SCAN");
        command.arg(self.cursor).arg("MATCH").arg(self.pattern).arg("COUNT").arg(PAGE);
        let (cursor, keys) = from_redis_value(self.redis.send_to_slot(*slot, &command).await?)?;
        self.cursor = cursor;
        if cursor == 0 {
            left.pop();
        }
        Ok(Some(keys))
    }
}

/// A slot of each primary; any slot where there is no cluster.
pub(super) async fn primaries(redis: &RedisClient) -> RedisResult<Vec<u16>> {
    if !redis.is_cluster().await? {
        return Ok(vec![0]);
    }
    let mut command = redis::cmd("CLUSTER");
    command.arg("SLOTS");
    let Value::Array(ranges) = redis.send_to_slot(0, &command).await? else { return Err(not_understood()) };
    let mut primaries = BTreeMap::new();
    for range in ranges {
        let Value::Array(range) = range else { return Err(not_understood()) };
        let [first, _, Value::Array(primary), ..] = range.as_slice() else { return Err(not_understood()) };
        let [_, _, name, ..] = primary.as_slice() else { return Err(not_understood()) };
        primaries.insert(from_redis_value::<String>(name.clone())?, from_redis_value(first.clone())?);
    }
    Ok(primaries.into_values().collect())
}

fn not_understood() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "the answer of CLUSTER SLOTS").into()
}
