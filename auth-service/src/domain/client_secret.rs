//! What a client shows to prove who it is, where that is a secret.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use common::{clock::Timestamp, rng::Rng};
use secrecy::{ExposeSecret, SecretString};

use super::handed_out;

/// A client's secret as it is handed out, once: `lkc_` and 32 random bytes. The prefix makes a leaked one easy to find.
/// Prints as `[redacted]`.
#[derive(Debug, Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// A new secret.
    pub fn new(rng: &dyn Rng) -> Self {
        Self(handed_out::random::<32>("lkc_", rng))
    }

    /// A secret that somebody presents, or chose elsewhere.
    #[must_use]
    pub fn presented(text: SecretString) -> Self {
        Self(text)
    }

    /// The text to hand out.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the store keeps of it. The secret has 256 random bits, so a plain hash is enough.
    #[must_use]
    pub fn hashed(&self) -> HashedSecret {
        HashedSecret(handed_out::hash(&self.0))
    }
}

/// base64url(SHA-256) of a secret.
#[derive(Debug, Clone)]
pub struct HashedSecret(String);

impl HashedSecret {
    /// A hash that the store has kept.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text that the store keeps.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for HashedSecret {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for HashedSecret {}

/// A secret that has been replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Its hash.
    pub secret: HashedSecret,
    /// Until when it is good.
    pub expires_at: Timestamp,
}
