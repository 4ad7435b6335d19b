//! Clients: services that ask for tokens, and what they may have.

use std::{fmt, str::FromStr, time::Duration};

use common::{clock::Timestamp, scope::Scope};
use serde::{Deserialize, Serialize};

use super::client_secret::{ClientSecret, HashedSecret, PreviousSecret};

/// No client's access token lives longer. A retired signing key is kept for as long.
pub const LONGEST_CLIENT_TOKEN: Duration = Duration::from_hours(1);

/// No client's access token lives shorter.
pub const SHORTEST_CLIENT_TOKEN: Duration = Duration::from_mins(1);

/// The built-in public client that users log in through. It has no secret and is not in the store.
pub const FIRST_PARTY_CLIENT: &str = "first-party";

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

    /// Whether it is the built-in public client's.
    #[must_use]
    pub fn is_first_party(&self) -> bool {
        self.0 == FIRST_PARTY_CLIENT
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

/// What a client may ask `/oauth/token` for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A token for itself (RFC 6749, section 4.4).
    ClientCredentials,
    /// A token to act for a user whose token it was sent (RFC 8693).
    TokenExchange,
}

/// The text is no grant of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be client_credentials or token_exchange")]
pub struct UnknownGrant;

impl GrantType {
    /// The word for it in commands, requests and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "token_exchange",
        }
    }
}

impl FromStr for GrantType {
    type Err = UnknownGrant;

    fn from_str(word: &str) -> Result<Self, UnknownGrant> {
        [Self::ClientCredentials, Self::TokenExchange].into_iter().find(|it| it.as_str() == word).ok_or(UnknownGrant)
    }
}

/// The name of a service in `aud`, or of a role: 1 to 255 printable ASCII characters without spaces, commas, quotes and
/// backslashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The text is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 printable ASCII characters without spaces, commas, quotes and backslashes")]
pub struct InvalidName;

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\');
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(plain);
        if fits { Ok(Self(text)) } else { Err(InvalidName) }
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        text.to_owned().try_into()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a client proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By a secret that both sides know (RFC 6749, section 2.3.1).
    Secret {
        /// The secret of now.
        current: HashedSecret,
        /// The secret of before, while its holders change over.
        previous: Option<PreviousSecret>,
    },
    /// By what it signs with a key that it alone has (RFC 7523, section 2.2). These are the public parts.
    Keys(ClientKeys),
}

/// A JWK set (RFC 7517) in the form in which it was read once: it can be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKeys(String);

impl ClientKeys {
    /// A set that has been read, or that the store has kept.
    #[must_use]
    pub fn stored(document: String) -> Self {
        Self(document)
    }

    /// The document.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A client as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name: `client_id` and `sub` of its tokens.
    pub id: ClientId,
    /// How it proves who it is.
    pub credential: Credential,
    /// What it may have.
    pub rights: Rights,
    /// Whether it gets no tokens any more.
    pub disabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What a client may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// What it may ask for.
    pub grants: Vec<GrantType>,
    /// The most that its tokens may allow.
    pub scope: Scope,
    /// Who it is in `aud`: tokens that name this service were sent to it, and are its to exchange and to ask about.
    pub service: Name,
    /// Which services its tokens are for, beside auth-service.
    pub audiences: Vec<Name>,
    /// Which of a user's roles stay in a token that it exchanges.
    pub roles: Vec<Name>,
    /// How long its tokens live.
    pub token_ttl: Duration,
}

/// What is to change of a client's [`Rights`] and keys. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientChange {
    /// See [`Rights::grants`].
    pub grants: Option<Vec<GrantType>>,
    /// See [`Rights::scope`].
    pub scope: Option<Scope>,
    /// See [`Rights::service`].
    pub service: Option<Name>,
    /// See [`Rights::audiences`].
    pub audiences: Option<Vec<Name>>,
    /// See [`Rights::roles`].
    pub roles: Option<Vec<Name>>,
    /// See [`Rights::token_ttl`].
    pub token_ttl: Option<Duration>,
    /// See [`Credential::Keys`]. Not for a client with a secret.
    pub keys: Option<ClientKeys>,
}

impl ClientChange {
    /// All of `rights`.
    #[must_use]
    pub fn to(rights: &Rights) -> Self {
        let Rights { grants, scope, service, audiences, roles, token_ttl } = rights.clone();
        Self {
            grants: Some(grants),
            scope: Some(scope),
            service: Some(service),
            audiences: Some(audiences),
            roles: Some(roles),
            token_ttl: Some(token_ttl),
            keys: None,
        }
    }

    /// Whether nothing is to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Client {
    /// Whether `secret` is this client's at `now`.
    #[must_use]
    pub fn has_secret(&self, secret: &ClientSecret, now: Timestamp) -> bool {
        let Credential::Secret { current, previous } = &self.credential else { return false };
        let hashed = secret.hashed();
        let previous = previous.as_ref().filter(|previous| now < previous.expires_at);
        *current == hashed || previous.is_some_and(|previous| previous.secret == hashed)
    }

    /// The secret of before, where there is one.
    #[must_use]
    pub fn previous_secret(&self) -> Option<&PreviousSecret> {
        match &self.credential {
            Credential::Secret { previous, .. } => previous.as_ref(),
            Credential::Keys(_) => None,
        }
    }

    /// Its public keys, where it has some.
    #[must_use]
    pub fn public_keys(&self) -> Option<&ClientKeys> {
        match &self.credential {
            Credential::Secret { .. } => None,
            Credential::Keys(keys) => Some(keys),
        }
    }

    /// Whether it may ask for that.
    #[must_use]
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.rights.grants.contains(&grant)
    }
}

/// Whether a client's tokens may live so long.
#[must_use]
pub fn is_token_ttl(ttl: Duration) -> bool {
    (SHORTEST_CLIENT_TOKEN..=LONGEST_CLIENT_TOKEN).contains(&ttl) && ttl.subsec_nanos() == 0
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
        for text in ["invoices", "https://invoices.example.org/v1", "a"] {
            assert!(text.parse::<Name>().is_ok(), "{text}");
        }
        for text in ["", "a b", "a,b", "ä", "a\"", "a\n", &"a".repeat(256)] {
            assert_eq!(text.parse::<Name>(), Err(InvalidName), "{text}");
        }
    }

    #[test]
    fn the_secret_of_before_is_good_until_its_time() {
        let (new, old, other) =
            (ClientSecret::new(&SystemRng), ClientSecret::new(&SystemRng), ClientSecret::new(&SystemRng));
        let at = Timestamp::from_seconds;
        let previous = Some(PreviousSecret { secret: old.hashed(), expires_at: at(10) });
        let mut client = Client {
            id: "reports".parse().unwrap(),
            credential: Credential::Secret { current: new.hashed(), previous },
            rights: Rights {
                grants: vec![GrantType::ClientCredentials],
                scope: Scope::default(),
                service: "reports".parse().unwrap(),
                audiences: Vec::new(),
                roles: Vec::new(),
                token_ttl: Duration::from_mins(5),
            },
            disabled: false,
            created_at: at(0),
        };
        assert!(client.has_secret(&new, at(9)) && client.has_secret(&new, at(10)));
        assert!(client.has_secret(&old, at(9)) && !client.has_secret(&old, at(10)));
        assert!(!client.has_secret(&other, at(9)));
        assert!(!format!("{new:?}").contains(new.expose()));
        client.credential = Credential::Keys(ClientKeys::stored(r#"{"keys":[]}"#.to_owned()));
        assert!(!client.has_secret(&new, at(9)));
    }

    #[test]
    fn tokens_live_for_whole_seconds_between_a_minute_and_an_hour() {
        for (ttl, fits) in [(59, false), (60, true), (3600, true), (3601, false)] {
            assert_eq!(is_token_ttl(Duration::from_secs(ttl)), fits, "{ttl}");
        }
        assert!(!is_token_ttl(Duration::from_millis(60_500)));
    }
}
