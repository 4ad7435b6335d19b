//! The throttle's counters in Redis: one script an attempt, one more where it did not fail.

use std::time::Duration;

use async_trait::async_trait;
use common::clock::Timestamp;
use secrecy::SecretString;

use super::{
    address::InvalidRedisUrl,
    answer::Answer,
    client::{RedisClient, within_deadline},
    keys, script,
};
use crate::{
    domain::throttle::{
        ACCOUNT_FAILURES, ACCOUNT_WAIT, ADDRESS_FAILURES, FAILURES_KEPT, FIRST_WAIT, FREE_FAILURES, KNOWN_FOR,
        LONGEST_WAIT, MOST_AHEAD, Settlement, Verdict, WINDOW,
    },
    ports::{AttemptKeys, StoreError, ThrottleStore},
};

/// The [`ThrottleStore`] in Redis, on connections of its own: a flood of logins does not stand in front of refreshes.
pub struct RedisThrottle {
    redis: RedisClient,
}

impl RedisThrottle {
    /// A store at `url`. Whatever runtime asks has a connection of its own, made and made again by a task on it; the caller's is
    /// made at once.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn connect(url: &SecretString) -> Result<Self, InvalidRedisUrl> {
        Ok(Self { redis: RedisClient::open(url)? })
    }
}

#[async_trait]
impl ThrottleStore for RedisThrottle {
    async fn reserve(&self, attempt: &AttemptKeys, now: Timestamp) -> Result<Verdict, StoreError> {
        let address = attempt.address.as_ref().unwrap_or(&attempt.account);
        let keys = [&attempt.pair, &attempt.account, address, &attempt.known].map(|code| keys::throttle(code));
        let arguments = [
            now.micros().to_string(),
            yes_or_no(attempt.address.is_some()),
            FREE_FAILURES.to_string(),
            micros(FIRST_WAIT),
            micros(LONGEST_WAIT),
            micros(FAILURES_KEPT),
            ACCOUNT_FAILURES.to_string(),
            micros(ACCOUNT_WAIT),
            ADDRESS_FAILURES.to_string(),
            micros(WINDOW),
            micros(KNOWN_FOR),
            micros(MOST_AHEAD),
        ];
        within_deadline(async {
            match script::RESERVE.run(&self.redis, &keys, &arguments).await? {
                Answer::Verdict(verdict) => Ok(verdict),
                Answer::Damaged => Err(StoreError::Inconsistent(keys::throttle(&attempt.account))),
                _ => Err(script::RESERVE.not_understood()),
            }
        })
        .await
    }

    async fn settle(
        &self,
        attempt: &AttemptKeys,
        settlement: Settlement,
        also_known: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let address = attempt.address.as_ref().unwrap_or(&attempt.account);
        let known = attempt.address.iter().flat_map(|_| [&attempt.known].into_iter().chain(also_known));
        let keys: Vec<_> = [&attempt.pair, &attempt.account, address]
            .into_iter()
            .chain(known)
            .map(|code| keys::throttle(code))
            .collect();
        let arguments = [
            now.micros().to_string(),
            match settlement {
                Settlement::Succeeded => "succeeded".to_owned(),
                Settlement::Withdrawn => "withdrawn".to_owned(),
            },
            yes_or_no(attempt.address.is_some()),
            ACCOUNT_FAILURES.to_string(),
            micros(FAILURES_KEPT),
            micros(WINDOW),
            KNOWN_FOR.as_millis().to_string(),
            micros(MOST_AHEAD),
        ];
        within_deadline(async {
            match script::SETTLE.run(&self.redis, &keys, &arguments).await? {
                Answer::Settled => Ok(()),
                _ => Err(script::SETTLE.not_understood()),
            }
        })
        .await
    }
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn micros(duration: Duration) -> String {
    duration.as_micros().to_string()
}
