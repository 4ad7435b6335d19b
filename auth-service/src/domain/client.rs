//! Clients: services that ask for tokens of their own (RFC 6749, section 4.4).

use std::{fmt, str::FromStr, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use common::{clock::Timestamp, rng::Rng, scope::Scope};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::handed_out;

/// No client's access token lives longer. A retired signing key is kept for as long.
pub const LONGEST_CLIENT_TOKEN: Duration = Duration::from_hours(1);

/// A client's name: `[a-z][a-z0-9-]{2,40}`. No user's id looks like that from its ninth character on, so that `sub` tells
/// the two apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(String);

/// The text is no client's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 3 to 41 letters a-z, digits or dashes, a letter first")]
pub struct InvalidClientId;

impl ClientId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, InvalidClientId> {
        let fits = (3..=41).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        fits.then(|| Self(text.to_owned())).ok_or(InvalidClientId)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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

/// What a client may ask `/oauth/token` for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A token for itself (RFC 6749, section 4.4).
    ClientCredentials,
}

/// A client as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name: `client_id` and `sub` of its tokens.
    pub id: ClientId,
    /// The secret of now.
    pub secret: HashedSecret,
    /// The secret of before, while its holders change over.
    pub previous_secret: Option<PreviousSecret>,
    /// What it may ask for.
    pub grants: Vec<GrantType>,
    /// The most that its tokens may allow.
    pub scope: Scope,
    /// Which services its tokens are for, beside auth-service.
    pub audiences: Vec<String>,
    /// How long its tokens live.
    pub token_ttl: Duration,
    /// Whether it gets no tokens any more.
    pub disabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A secret that has been replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Its hash.
    pub secret: HashedSecret,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl Client {
    /// Whether `secret` is this client's at `now`.
    #[must_use]
    pub fn has_secret(&self, secret: &ClientSecret, now: Timestamp) -> bool {
        let hashed = secret.hashed();
        let previous = self.previous_secret.as_ref().filter(|previous| now < previous.expires_at);
        self.secret == hashed || previous.is_some_and(|previous| previous.secret == hashed)
    }
}

#[cfg(test)]
mod tests {
    use common::rng::SystemRng;

    use super::*;

    #[test]
    fn names_are_as_the_contract_says() {
        for text in ["abc", "resource-service", &format!("a{}", "0".repeat(40))] {
            assert!(text.parse::<ClientId>().is_ok(), "{text}");
        }
        for text in ["ab", "1ab", "-ab", "Abc", "a_b", "a b", "", &format!("a{}", "0".repeat(41))] {
            assert_eq!(text.parse::<ClientId>(), Err(InvalidClientId), "{text}");
        }
    }

    #[test]
    fn the_secret_of_before_is_good_until_its_time() {
        let (new, old, other) =
            (ClientSecret::new(&SystemRng), ClientSecret::new(&SystemRng), ClientSecret::new(&SystemRng));
        let at = Timestamp::from_seconds;
        let client = Client {
            id: "reports".parse().unwrap(),
            secret: new.hashed(),
            previous_secret: Some(PreviousSecret { secret: old.hashed(), expires_at: at(10) }),
            grants: vec![GrantType::ClientCredentials],
            scope: Scope::default(),
            audiences: Vec::new(),
            token_ttl: Duration::from_mins(5),
            disabled: false,
            created_at: at(0),
        };
        assert!(client.has_secret(&new, at(9)) && client.has_secret(&new, at(10)));
        assert!(client.has_secret(&old, at(9)) && !client.has_secret(&old, at(10)));
        assert!(!client.has_secret(&other, at(9)));
        assert!(!format!("{new:?}").contains(new.expose()));
    }
}
