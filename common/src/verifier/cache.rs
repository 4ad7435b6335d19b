//! Tokens that have been verified, so that the next request with the same one costs a look-up.
//!
//! The key is the whole token, so a hit means that every byte is the same as in a token whose signature was checked.
//! Whatever may change after that (time, the key's retirement, revocation) is checked again on each hit.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::{MAX_TOKEN_BYTES, keys::KeyInForce};
use crate::claims::AccessClaims;

/// The room for all entries, in bytes: about 10,000 tokens of the usual 700 bytes, and 1,000 of the longest.
const ROOM: usize = 16 * 1024 * 1024;

/// What an entry takes beside its token and the texts of its claims, rounded up: the structs, their allocations, and
/// its place in the table.
const OVERHEAD: usize = 512;

/// What a usual token weighs: from it follows how many entries to expect.
const USUAL_WEIGHT: usize = 2 * 700 + OVERHEAD;

/// A token that was right in itself when it came first.
#[derive(Clone)]
pub(super) struct VerifiedToken {
    pub claims: Arc<AccessClaims>,
    pub key: Arc<KeyInForce>,
}

/// Verified tokens, bounded by the bytes that they take.
pub(super) struct TokenCache(Cache<Box<str>, VerifiedToken, ByBytes>);

impl TokenCache {
    pub fn new() -> Self {
        Self(Cache::with_weighter(ROOM / USUAL_WEIGHT, ROOM as u64, ByBytes))
    }

    /// The token, unless it is unknown or its key is no longer in force.
    pub fn get(&self, token: &str) -> Option<VerifiedToken> {
        let verified = self.0.get(token)?;
        if verified.key.is_retired() {
            self.0.remove(token);
            return None;
        }
        Some(verified)
    }

    pub fn insert(&self, token: &str, verified: VerifiedToken) {
        debug_assert!(token.len() <= MAX_TOKEN_BYTES);
        self.0.insert(token.into(), verified);
    }

    pub fn remove(&self, token: &str) {
        self.0.remove(token);
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Box<str>, VerifiedToken> for ByBytes {
    /// The texts of the claims are never longer than the token they were read from.
    fn weight(&self, token: &Box<str>, _: &VerifiedToken) -> u64 {
        (2 * token.len() + OVERHEAD) as u64
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        clock::Timestamp,
        secret::{SecretSet, SigningSecret},
        testing::TestToken,
        verifier::{KeySet, Keys},
    };

    #[test]
    fn a_flood_of_the_longest_tokens_stays_within_the_room() {
        let secret = SigningSecret::new("x".repeat(32).into()).unwrap();
        let keys = Keys::fixed(KeySet::of_secrets(&SecretSet::only(secret.clone())));
        let key = keys.current().find(&secret.kid()).unwrap();
        let claims = TestToken::new(&secret, "issuer", "here", Uuid::nil(), Timestamp::from_seconds(0)).claims;
        let verified = VerifiedToken { claims: Arc::new(AccessClaims::User(claims)), key };
        let cache = TokenCache::new();
        for number in 0..5_000 {
            cache.insert(&format!("{number:0>8192}"), verified.clone());
        }
        assert!(cache.0.weight() <= ROOM as u64);
        assert!((1..=1_000).contains(&cache.0.len()), "{}", cache.0.len());
    }
}
