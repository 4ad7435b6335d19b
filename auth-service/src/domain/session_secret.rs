//! The secret in the cookie of a session of [`Mode::Session`](super::session::Mode::Session): which one is good, and
//! what becomes of the session when one is presented.
//!
//! A new secret may get lost on its way to the browser. So the one that it was asked for with stays good until the new
//! one is first presented, and not a moment longer. [`decide_visit`] and [`decide_renewal`] are that rule. The stores
//! carry it out, each in its own language and in one step; a test holds every one of them against these functions.

use std::{fmt, time::Duration};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use common::clock::Timestamp;

use super::session::{Mode, Session};

/// SHA-256 of a secret. The secret has 256 random bits, so a plain hash is enough. Prints as `SecretHash(..)`.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &[u8; 32]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
        Self(hash)
    }

    /// A hash that a store has kept.
    #[must_use]
    pub fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What a store keeps.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretHash {}

/// The secrets that a session is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSecrets {
    /// The newest one.
    pub current: SecretHash,
    /// The one that the newest was asked for with, as long as nobody has presented the newest.
    pub previous: Option<SecretHash>,
}

impl SessionSecrets {
    /// Those of a session that begins.
    #[must_use]
    pub fn first(current: SecretHash) -> Self {
        Self { current, previous: None }
    }

    /// What they are once `presented` has been seen; `None` where it is not good.
    fn seen(self, presented: &SecretHash) -> Option<Self> {
        if self.current == *presented {
            Some(Self { previous: None, ..self })
        } else {
            (self.previous.as_ref() == Some(presented)).then_some(self)
        }
    }
}

/// The longest that a visit goes without being noted.
const NOTED_EVERY: Duration = Duration::from_mins(1);

/// How far apart visits are noted, so that most of them write nothing. The idle expiry is early by so much at most, or by
/// a quarter of a shorter `idle_ttl`.
#[must_use]
pub fn noted_every(idle_ttl: Duration) -> Duration {
    NOTED_EVERY.min(idle_ttl / 4)
}

/// The session from now on, where it is alive, is known by secrets, and `presented` is good; `None` otherwise.
///
/// | presented secret | answer |
/// |---|---|
/// | the current one | good; the previous one is forgotten |
/// | the previous one | good |
/// | any other | not good |
///
/// `last_seen` and `idle_expiry` move on where the visit is [due](noted_every) to be noted, or something is written
/// anyway.
#[must_use]
pub fn decide_visit(session: &Session, presented: &SecretHash, now: Timestamp, idle_ttl: Duration) -> Option<Session> {
    let secrets = alive_secrets(session, now)?.seen(presented)?;
    let is_due = now.since(session.last_seen) >= noted_every(idle_ttl);
    if !is_due && session.secrets == Some(secrets) {
        return Some(session.clone());
    }
    let (last_seen, idle_expiry) = (now, now + idle_ttl);
    Some(Session { secrets: Some(secrets), last_seen, idle_expiry, ..session.clone() })
}

/// The session from now on, where `presented` is good for a visit; `None` otherwise. `new` is current then, and
/// `presented` the previous one: whoever does not learn of `new` goes on with it, and may ask again.
#[must_use]
pub fn decide_renewal(session: &Session, presented: &SecretHash, new: &SecretHash, now: Timestamp) -> Option<Session> {
    alive_secrets(session, now)?.seen(presented)?;
    let secrets = SessionSecrets { current: *new, previous: Some(*presented) };
    Some(Session { secrets: Some(secrets), ..session.clone() })
}

fn alive_secrets(session: &Session, now: Timestamp) -> Option<SessionSecrets> {
    session.secrets.filter(|_| session.mode == Mode::Session && session.is_alive(now))
}
