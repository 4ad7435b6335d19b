//! The values that front ends with cookies send back to show that they read them: one for each session, so that a value
//! from another session is of no use.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::secret::SecretSet;
use secrecy::SecretString;

use crate::domain::ids::SessionId;

/// Makes the values of sessions and knows them again: HMAC-SHA256 over the session's id. Nothing is stored.
pub struct CsrfValues {
    /// The one that makes values comes first; the others only check them.
    keys: Vec<hmac::Key>,
}

impl CsrfValues {
    /// With keys derived from `own`, which only auth-service has.
    #[must_use]
    pub fn new(own: &SecretSet) -> Self {
        let key = |derived: [u8; 32]| hmac::Key::new(hmac::HMAC_SHA256, &derived);
        Self { keys: own.iter().map(|secret| key(secret.derive(b"latchkey csrf"))).collect() }
    }

    /// The value of `session`.
    #[must_use]
    pub fn of(&self, session: SessionId) -> SecretString {
        self.all_of(session).next().unwrap_or_default()
    }

    /// The value of `session`, and those that it had, or will have, under another secret.
    pub fn all_of(&self, session: SessionId) -> impl Iterator<Item = SecretString> + '_ {
        self.keys.iter().map(move |key| URL_SAFE_NO_PAD.encode(hmac::sign(key, session.0.as_bytes())).into())
    }

    /// Whether `presented` is the value of `session`.
    #[must_use]
    pub fn is_of(&self, session: SessionId, presented: &str) -> bool {
        let Ok(presented) = URL_SAFE_NO_PAD.decode(presented) else { return false };
        self.keys.iter().any(|key| hmac::verify(key, session.0.as_bytes(), &presented).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use common::secret::SigningSecret;
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;

    fn secret(letter: &str) -> SigningSecret {
        SigningSecret::new(letter.repeat(32).into()).unwrap()
    }

    fn session(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    #[test]
    fn a_value_is_of_one_session() {
        let values = CsrfValues::new(&SecretSet::only(secret("a")));
        let value = values.of(session(1));
        assert!(values.is_of(session(1), value.expose_secret()));
        assert!(!values.is_of(session(2), value.expose_secret()));
        for wrong in ["", "x", &value.expose_secret()[1..], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(!values.is_of(session(1), wrong), "{wrong}");
        }
    }

    #[test]
    fn a_value_survives_the_change_of_the_secret() {
        let before = CsrfValues::new(&SecretSet::only(secret("a")));
        let after = CsrfValues::new(&SecretSet { previous: Some(secret("a")), ..SecretSet::only(secret("b")) });
        let (old, new) = (before.of(session(1)), after.of(session(1)));
        assert_ne!(old.expose_secret(), new.expose_secret());
        assert!(after.is_of(session(1), old.expose_secret()) && after.is_of(session(1), new.expose_secret()));
        assert!(!before.is_of(session(1), new.expose_secret()));
    }
}
