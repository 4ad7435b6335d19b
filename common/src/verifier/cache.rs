//! Tokens that have been verified, so that the next request with the same one costs a look-up.
//!
//! The key is the whole token, so a hit means that every byte is the same as in a token whose signature was checked.
//! Whatever may change after that (time, the key's retirement, revocation) is checked again on each hit.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use quick_cache::{Equivalent, Weighter, sync::Cache};

use super::{MAX_TOKEN_BYTES, keys::KeyInForce};
use crate::claims::{AccessClaims, Principal};

/// The room for all entries, in bytes: about 6,000 tokens of the usual 700 bytes, and 600 of the longest.
const ROOM: usize = 16 * 1024 * 1024;

/// What an entry takes beside its token and the texts of its claims, rounded up: the structs, their allocations, and
/// its place in the table.
const OVERHEAD: usize = 768;

/// What a usual token weighs: from it follows how many entries to expect.
const USUAL_WEIGHT: usize = weight(700);

/// The texts of the claims are never longer than the token they were read from, and those of the principal are some of
/// them.
const fn weight(token: usize) -> usize {
    3 * token + OVERHEAD
}

/// A token that was right in itself when it came first.
pub(super) struct VerifiedToken {
    pub claims: Arc<AccessClaims>,
    pub key: Arc<KeyInForce>,
    principal: OnceLock<Principal>,
}

impl VerifiedToken {
    pub fn new(claims: AccessClaims, key: Arc<KeyInForce>) -> Self {
        Self { claims: Arc::new(claims), key, principal: OnceLock::new() }
    }

    /// Who holds the token. It is made when it is asked for first.
    pub fn principal(&self) -> &Principal {
        self.principal.get_or_init(|| Principal::from(&*self.claims))
    }
}

/// Verified tokens, bounded by the bytes that they take.
pub(super) struct TokenCache(Cache<Whole, Arc<VerifiedToken>, ByBytes>);

impl TokenCache {
    pub fn new() -> Self {
        Self(Cache::with_weighter(ROOM / USUAL_WEIGHT, ROOM as u64, ByBytes))
    }

    /// The token, unless it is unknown or its key is no longer in force.
    pub fn get(&self, token: &str) -> Option<Arc<VerifiedToken>> {
        let verified = self.0.get(&Asked(token))?;
        if verified.key.is_retired() {
            self.0.remove(&Asked(token));
            return None;
        }
        Some(verified)
    }

    pub fn insert(&self, token: &str, verified: VerifiedToken) {
        debug_assert!(token.len() <= MAX_TOKEN_BYTES);
        self.0.insert(Whole(token.into()), Arc::new(verified));
    }

    pub fn remove(&self, token: &str) {
        self.0.remove(&Asked(token));
    }
}

/// A token as it is kept.
#[derive(PartialEq, Eq)]
struct Whole(Box<str>);

/// A token as it is looked for.
struct Asked<'a>(&'a str);

/// How much of a token's end is hashed, in bytes.
const HASHED: usize = 64;

/// Tokens differ in their signatures, and so in their ends. Those that are kept have been verified, so nobody can fill a
/// place of the table with tokens of one end; those that are looked for are compared byte by byte.
fn hash_end(token: &str, state: &mut impl Hasher) {
    let bytes = token.as_bytes();
    bytes[bytes.len().saturating_sub(HASHED)..].hash(state);
}

impl Hash for Whole {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(&self.0, state);
    }
}

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(self.0, state);
    }
}

impl Equivalent<Whole> for Asked<'_> {
    fn equivalent(&self, kept: &Whole) -> bool {
        self.0 == &*kept.0
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Whole, Arc<VerifiedToken>> for ByBytes {
    fn weight(&self, token: &Whole, _: &Arc<VerifiedToken>) -> u64 {
        weight(token.0.len()) as u64
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
        let cache = TokenCache::new();
        for number in 0..5_000 {
            let verified = VerifiedToken::new(AccessClaims::User(claims.clone()), Arc::clone(&key));
            cache.insert(&format!("{number:0>8192}"), verified);
        }
        assert!(cache.0.weight() <= ROOM as u64);
        assert!((1..=1_000).contains(&cache.0.len()), "{}", cache.0.len());
    }
}
