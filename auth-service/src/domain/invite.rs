//! Invitations: a code that registers one user where registration is not open to everybody.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{clock::Timestamp, rng::Rng};
use secrecy::{ExposeSecret, SecretString};

/// The code as it is handed to a person: `lki_` and 24 random bytes. The prefix makes a leaked one easy to find.
/// Prints as `[redacted]`.
#[derive(Debug, Clone)]
pub struct InviteCode(SecretString);

impl InviteCode {
    /// A new code.
    pub fn new(rng: &dyn Rng) -> Self {
        let mut bytes = [0; 24];
        rng.fill(&mut bytes);
        Self(format!("lki_{}", URL_SAFE_NO_PAD.encode(bytes)).into())
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
        let digest = digest::digest(&digest::SHA256, self.expose().as_bytes());
        HashedInvite(URL_SAFE_NO_PAD.encode(digest))
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
