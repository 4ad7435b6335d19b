//! What auth-service's own routes must know of the revocation log. Sessions they look for in the store each time; single
//! tokens are nowhere else, and a client that was disabled is in the store again once it is enabled, which its tokens from
//! before are not.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use common::{
    claims::AccessClaims,
    clock::Timestamp,
    verifier::{RevocationCheck, Standing},
};
use uuid::Uuid;

use crate::{
    domain::revocation::{Cursor, Revocation, Revoked},
    ports::{LogPage, RevocationLog, StoreError},
};

/// How many entries of the log are read at once.
const PAGE: u32 = 1_000;

/// What has been read of the log, and what this replica has added itself.
#[derive(Default)]
pub struct RevokedTokens {
    known: RwLock<Known>,
    /// Until then nobody can say.
    is_read: AtomicBool,
    read_up_to: Mutex<Option<Cursor>>,
    /// How many tokens of one session were revoked here, and until when that counts.
    of_sessions: Mutex<HashMap<Uuid, (u32, Timestamp)>>,
}

#[derive(Default)]
struct Known {
    /// By `jti`, until the last moment at which they could be good.
    tokens: HashMap<String, Timestamp>,
    clients: HashMap<String, Before>,
}

/// Tokens from before a second, until the last of them has ended.
#[derive(Clone, Copy)]
struct Before {
    second: i64,
    until: Timestamp,
}

impl RevokedTokens {
    /// Adds a token, before it comes back from the log.
    pub fn add(&self, jti: String, until: Timestamp) {
        self.write().tokens.insert(jti, until);
    }

    /// Counts another token of a session that was revoked alone here, which ends at `until`. How many that makes.
    pub fn count(&self, session: Uuid, until: Timestamp) -> u32 {
        let mut sessions = lock(&self.of_sessions);
        let (count, end) = sessions.entry(session).or_insert((0, until));
        (*count, *end) = (count.saturating_add(1), until.max(*end));
        *count
    }

    /// Reads what was added to the log, to its end, and forgets what is over at `now`.
    pub async fn follow(&self, log: &dyn RevocationLog, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let after = lock(&self.read_up_to).clone();
            let (cursor, entries) = match log.read(after.as_ref(), PAGE).await? {
                LogPage::Entries { cursor, entries } => (cursor, entries),
                // What is known stays; all of it is read again.
                LogPage::UnknownCursor => {
                    *lock(&self.read_up_to) = None;
                    return Ok(());
                }
            };
            let at_the_end = entries.is_empty();
            let mut known = self.write();
            for entry in entries {
                known.learn(entry.revocation);
            }
            known.forget(now);
            drop(known);
            *lock(&self.read_up_to) = Some(cursor);
            if at_the_end {
                lock(&self.of_sessions).retain(|_, (_, until)| *until > now);
                self.is_read.store(true, Ordering::Release);
                return Ok(());
            }
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(&mut self, revocation: Revocation) {
        let Revocation { revoked, before, until } = revocation;
        match revoked {
            Revoked::Token(jti) => {
                self.tokens.insert(jti, until);
            }
            Revoked::Client(id) => {
                let new = Before { second: before.unwrap_or(i64::MAX), until };
                let known = self.clients.entry(id.to_string()).or_insert(new);
                *known = Before { second: new.second.max(known.second), until: until.max(known.until) };
            }
            Revoked::Session(_) | Revoked::Key(_) => {}
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.tokens.retain(|_, until| *until > now);
        self.clients.retain(|_, before| before.until > now);
    }

    fn revokes(&self, token: &AccessClaims) -> bool {
        let (holder, issued) = match token {
            AccessClaims::User(user) => (user.act.as_ref().map(|_| &user.client_id), user.iat),
            AccessClaims::Service(service) => (Some(&service.client_id), service.iat),
        };
        let before = holder.and_then(|client| self.clients.get(client));
        self.tokens.contains_key(token.jti()) || before.is_some_and(|before| issued < before.second)
    }
}

impl RevocationCheck for RevokedTokens {
    fn check(&self, token: &AccessClaims, _: &str) -> Standing {
        if self.known.read().unwrap_or_else(PoisonError::into_inner).revokes(token) {
            Standing::Revoked
        } else if self.is_read.load(Ordering::Acquire) {
            Standing::Good
        } else {
            Standing::Unknown
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
