//! The keys that sign access tokens with a public-key algorithm, and where each stands: `next`, `active`, `retired`.
//!
//! Nothing is switched: a key carries the instants at which it begins and ceases to sign, so that every replica that
//! has read it changes over at the same moment, also while the store is away.

use std::{fmt, str::FromStr, time::Duration};

use common::clock::Timestamp;
use jsonwebtoken::Algorithm;

/// The public-key algorithms that access tokens are signed with (RFC 7518, section 3.1; RFC 8037, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
}

/// The text names no [`KeyAlgorithm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not EdDSA, ES256 or RS256")]
pub struct UnknownAlgorithm;

impl KeyAlgorithm {
    /// `alg` of a token's header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The same for the library that verifies.
    #[must_use]
    pub const fn jws(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        [Self::EdDsa, Self::Es256, Self::Rs256].into_iter().find(|it| it.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

/// `kid` of a signing key: the thumbprint of its public part (RFC 7638), 43 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(pub String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a key ceases to sign, and how long what it has signed is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retirement {
    /// The first instant at which it does not sign.
    pub at: Timestamp,
    /// No token that it signed is alive from here on: it is no longer published, and deleted.
    pub verify_until: Timestamp,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Published, so that everybody knows it before it signs.
    Next,
    /// Signs.
    Active,
    /// Signs no more; its tokens are verified.
    Retired,
    /// Nothing that it signed is alive.
    Over,
}

impl Phase {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Over => "over",
        }
    }
}

/// A signing key, without its key material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name in a token's header.
    pub kid: KeyId,
    /// The one algorithm it signs with.
    pub algorithm: KeyAlgorithm,
    /// When it was made; it is published from then on.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub activates_at: Timestamp,
    /// When it ceases to, once that is known.
    pub retirement: Option<Retirement>,
}

impl SigningKey {
    /// Where it stands at `now`.
    #[must_use]
    pub fn phase(&self, now: Timestamp) -> Phase {
        match self.retirement {
            Some(retirement) if retirement.verify_until <= now => Phase::Over,
            Some(retirement) if retirement.at <= now => Phase::Retired,
            _ if self.activates_at <= now => Phase::Active,
            _ => Phase::Next,
        }
    }

    /// Whether tokens signed by it may be alive, or will be.
    #[must_use]
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.phase(now) != Phase::Over
    }
}

/// The key that signs at `now`. The rules leave one at most; if rows were changed by hand, the latest one signs.
pub fn signing_at<'keys>(
    keys: impl IntoIterator<Item = &'keys SigningKey>,
    now: Timestamp,
) -> Option<&'keys SigningKey> {
    keys.into_iter().filter(|key| key.phase(now) == Phase::Active).max_by_key(|key| key.activates_at)
}

/// Every replica reads the keys more often than this, by far: what is decided now holds for all of them after it.
pub const NOTICE: Duration = Duration::from_secs(10);

/// The settings that the life of a key depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRules {
    /// How long a key signs before its successor takes over.
    pub rotation: Duration,
    /// How long a key is published before it signs: what a verifier has cached is older than the key no longer.
    pub published_before: Duration,
    /// How long a key is published after it has ceased to sign: its last token has expired everywhere.
    pub published_after: Duration,
}

impl KeyRules {
    /// From the life of a key, the life of a cached JWKS, and the life of the longest token.
    #[must_use]
    pub fn new(rotation: Duration, jwks_max_age: Duration, longest_token: Duration, leeway: Duration) -> Self {
        let published_before = jwks_max_age + NOTICE;
        // A replica that hears of its key's end so late still signs what can be verified.
        let published_after = longest_token + leeway + published_before;
        Self { rotation, published_before, published_after }
    }

    /// The end of a key that signs until `at`.
    #[must_use]
    pub fn retirement(&self, at: Timestamp) -> Retirement {
        Retirement { at, verify_until: at + self.published_after }
    }
}
