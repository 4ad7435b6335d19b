//! What a browser holds in mode `session`: a name of the session, and a secret that only it knows.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::rng::Rng;
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    ids::{SessionId, UserId},
    session_secret::SecretHash,
};

/// In front of every value, so that one that has leaked is known for what it is.
const PREFIX: &str = "lks_";

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const BYTES: usize = 2 * ID_BYTES + SECRET_BYTES;

/// The value of the cookie: `lks_` and base64url of the user's id, the session's id and 256 random bits. The store knows the
/// hash of those alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCookie {
    /// Whose session it is.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    secret: [u8; SECRET_BYTES],
}

impl SessionCookie {
    /// A new value for a session.
    pub fn new(user: UserId, session: SessionId, rng: &dyn Rng) -> Self {
        let mut secret = [0; SECRET_BYTES];
        rng.fill(&mut secret);
        Self { user, session, secret }
    }

    /// The value that `text` is; `None` for what is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?.try_into().ok()?;
        let (user, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (session, secret) = rest.split_first_chunk::<ID_BYTES>()?;
        let id = |bytes: &[u8; ID_BYTES]| Uuid::from_bytes(*bytes);
        Some(Self { user: UserId(id(user)), session: SessionId(id(session)), secret: secret.try_into().ok()? })
    }

    /// What the browser keeps.
    #[must_use]
    pub fn value(&self) -> SecretString {
        let ids = [self.user.0.into_bytes(), self.session.0.into_bytes()].concat();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([&ids[..], &self.secret].concat())).into()
    }

    /// The same with another secret.
    #[must_use]
    pub fn with_secret(&self, secret: [u8; SECRET_BYTES]) -> Self {
        Self { secret, ..*self }
    }

    /// What only the browser knows.
    #[must_use]
    pub fn secret(&self) -> &[u8; SECRET_BYTES] {
        &self.secret
    }

    /// What the store keeps.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCookie")
            .field("user", &self.user)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use common::rng::SystemRng;
    use secrecy::ExposeSecret;

    use super::*;

    fn cookie() -> SessionCookie {
        SessionCookie::new(UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)), &SystemRng)
    }

    #[test]
    fn a_value_comes_back_as_it_was() {
        let cookie = cookie();
        let value = cookie.value();
        assert_eq!(value.expose_secret().len(), 90);
        assert_eq!(SessionCookie::parse(value.expose_secret()), Some(cookie));
    }

    #[test]
    fn what_is_none_is_refused() {
        let value = cookie().value().expose_secret().to_owned();
        for wrong in ["", "lks_", &value[4..], &value[..89], &format!("{value}A"), &value.to_uppercase(), "lks_!"] {
            assert_eq!(SessionCookie::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        let cookie = cookie();
        assert!(!format!("{cookie:?}").contains(&format!("{:?}", cookie.secret)));
    }
}
