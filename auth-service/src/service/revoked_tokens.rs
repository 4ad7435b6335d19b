//! Single access tokens that were revoked, for auth-service's own routes. Sessions and clients need none of this: those
//! routes look for them in the store each time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, RwLock},
};

use common::{
    claims::AccessClaims,
    clock::Timestamp,
    verifier::{RevocationCheck, Standing},
};

use crate::{
    domain::revocation::{Cursor, Revoked},
    ports::{LogPage, RevocationLog, StoreError},
};

/// How many entries of the log are read at once.
const PAGE: u32 = 1_000;

/// The tokens, by `jti`, until the last moment at which they could be good.
#[derive(Default)]
pub struct RevokedTokens {
    until: RwLock<HashMap<String, Timestamp>>,
    read_up_to: Mutex<Option<Cursor>>,
}

impl RevokedTokens {
    /// Adds one, before it comes back from the log.
    pub fn add(&self, jti: String, until: Timestamp) {
        self.until.write().unwrap_or_else(PoisonError::into_inner).insert(jti, until);
    }

    /// Reads what other replicas have added, to the end of the log, and forgets what is over at `now`.
    pub async fn follow(&self, log: &dyn RevocationLog, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let after = self.read_up_to.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (cursor, entries) = match log.read(after.as_ref(), PAGE).await? {
                LogPage::Entries { cursor, entries } => (Some(cursor), entries),
                // What is known stays; the rest is read from the start in the next round.
                LogPage::UnknownCursor => (None, Vec::new()),
            };
            let at_the_end = entries.is_empty();
            for entry in entries {
                if let Revoked::Token(jti) = entry.revocation.revoked {
                    self.add(jti, entry.revocation.until);
                }
            }
            *self.read_up_to.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
            if at_the_end {
                self.until.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
                return Ok(());
            }
        }
    }
}

impl RevocationCheck for RevokedTokens {
    fn check(&self, token: &AccessClaims, _: &str) -> Standing {
        let known = self.until.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains_key(token.jti()) { Standing::Revoked } else { Standing::Good }
    }
}
