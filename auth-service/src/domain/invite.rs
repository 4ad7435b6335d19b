//! Invitations: a code that registers one user where registration is not open to everybody.

use common::{clock::Timestamp, rng::Rng};
use secrecy::{ExposeSecret, SecretString};

use super::handed_out;

/// The code as it is handed to a person: `lki_` and 24 random bytes. The prefix makes a leaked one easy to find.
/// Prints as `[redacted]`.
#[derive(Debug, Clone)]
pub struct InviteCode(SecretString);

impl InviteCode {
    /// A new code.
    pub fn new(rng: &dyn Rng) -> Self {
        Self(handed_out::random::<24>("lki_", rng))
    }

    /// A code that somebody presents.
    #[must_use]
    pub fn presented(text: SecretString) -> Self {
        Self(text)
    }

    /// The text to hand out.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the store keeps of it. The code has 192 random bits, so a plain hash is enough.
    #[must_use]
    pub fn hashed(&self) -> HashedInvite {
        HashedInvite(handed_out::hash(&self.0))
    }
}

/// base64url(SHA-256) of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedInvite(String);

impl HashedInvite {
    /// The text that the store keeps.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An invitation as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Its name in the store.
    pub code: HashedInvite,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}
