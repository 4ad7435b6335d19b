//! The secret in the cookie of a session of [`Mode::Session`]: which one is good, and
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::{SessionId, TokenId, UserId},
        session::{CurrentToken, RevokedReason},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const IDLE: Duration = Duration::from_hours(24 * 30);

    fn hash(number: u8) -> SecretHash {
        SecretHash::of(&[number; 32])
    }

    fn session(current: u8, previous: Option<u8>) -> Session {
        Session {
            id: SessionId(uuid::Uuid::nil()),
            user: UserId(uuid::Uuid::nil()),
            epoch: 0,
            current: CurrentToken { id: "AAAAAAAAAAAAAAAAAAAAAA".parse::<TokenId>().unwrap(), generation: 0 },
            roles: Vec::new(),
            client_id: "first-party".to_owned(),
            mode: Mode::Session,
            scope: "notes:read".parse().unwrap(),
            created_at: NOW,
            authenticated_at: NOW,
            absolute_expiry: NOW + 3 * IDLE,
            idle_expiry: NOW + IDLE,
            last_seen: NOW,
            device: String::new(),
            address: None,
            revoked: None,
            secrets: Some(SessionSecrets { current: hash(current), previous: previous.map(hash) }),
        }
    }

    fn secrets(session: Option<Session>) -> Option<SessionSecrets> {
        session.and_then(|session| session.secrets)
    }

    fn visit(session: &Session, presented: u8) -> Option<SessionSecrets> {
        secrets(decide_visit(session, &hash(presented), NOW, IDLE))
    }

    fn renew(session: &Session, presented: u8, new: u8) -> Option<SessionSecrets> {
        secrets(decide_renewal(session, &hash(presented), &hash(new), NOW))
    }

    #[test]
    fn the_hash_is_sha_256() {
        let of_zeros = "Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU";
        let hash = SecretHash::of(&[0; 32]);
        let text = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, hash.as_bytes());
        assert_eq!(text, of_zeros);
        assert_eq!(SecretHash::stored(*hash.as_bytes()), hash);
    }

    #[test]
    fn a_hash_is_not_printed() {
        let printed = format!("{:?}", session(1, Some(2)));
        assert!(printed.contains("current: SecretHash(..), previous: Some(SecretHash(..))"), "{printed}");
    }

    #[test]
    fn the_current_secret_forgets_the_previous_one_and_that_one_forgets_nothing() {
        assert_eq!(visit(&session(2, Some(1)), 2), session(2, None).secrets);
        assert_eq!(visit(&session(2, Some(1)), 1), session(2, Some(1)).secrets);
        assert_eq!(visit(&session(2, Some(1)), 3), None);
        assert_eq!(visit(&session(2, None), 1), None);
    }

    #[test]
    fn what_asks_for_a_new_secret_is_the_previous_one() {
        assert_eq!(renew(&session(1, None), 1, 2), session(2, Some(1)).secrets);
        assert_eq!(renew(&session(2, Some(1)), 1, 3), session(3, Some(1)).secrets);
        assert_eq!(renew(&session(2, Some(1)), 2, 3), session(3, Some(2)).secrets);
        assert_eq!(renew(&session(2, Some(1)), 4, 3), None);
        assert_eq!(renew(&session(2, None), 1, 3), None);
    }

    #[test]
    fn what_is_over_or_of_another_mode_is_known_by_no_secret() {
        let good = session(1, None);
        for wrong in [
            Session { idle_expiry: NOW, ..good.clone() },
            Session { absolute_expiry: NOW, ..good.clone() },
            Session { revoked: Some(RevokedReason::Logout), ..good.clone() },
            Session { mode: Mode::Cookie, ..good.clone() },
            Session { secrets: None, ..good.clone() },
        ] {
            assert_eq!(visit(&wrong, 1), None, "{wrong:?}");
            assert_eq!(renew(&wrong, 1, 2), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_visit_is_noted_after_a_minute_or_a_quarter_of_a_shorter_idle_time() {
        assert_eq!(noted_every(IDLE), Duration::from_mins(1));
        assert_eq!(noted_every(Duration::from_mins(4)), Duration::from_mins(1));
        assert_eq!(noted_every(Duration::from_mins(1)), Duration::from_secs(15));
    }
}
