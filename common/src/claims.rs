//! The claims of an access token (RFC 9068, section 2.2).

mod actor;
mod principal;

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use uuid::Uuid;

pub use self::actor::{ActorChain, InvalidActors, MOST_ACTORS, TooManyActors};
pub use self::principal::{Holder, Principal, Service, ServiceDetails, User, UserDetails};
use crate::scope::Scope;

/// The header parameter `typ` of an access token (RFC 9068, section 2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// `exp`, `iat` and `nbf` in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct RegisteredTimes {
    /// When the token ends.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// When it begins.
    pub nbf: Option<i64>,
}

/// Claims that say when they hold.
pub trait TimedClaims: Serialize + DeserializeOwned {
    /// The times, as the token gives them.
    fn times(&self) -> RegisteredTimes;
}

/// What an access token says, by whom it was made out to. A token that is neither, or a bit of both, is refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AccessClaims {
    /// A person who has logged in.
    User(UserClaims),
    /// A service that acts for itself (RFC 6749, section 4.4).
    Service(ServiceClaims),
}

/// What a user's access token says. Times are seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserClaims {
    /// Who issued it.
    pub iss: String,
    /// Who may accept it; always a list.
    pub aud: Vec<String>,
    /// The user.
    pub sub: Uuid,
    /// The client the user logged in through (RFC 8693, section 4.3).
    pub client_id: String,
    /// When it ends.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// When it begins, where that is not when it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Its own name.
    pub jti: String,
    /// The session all tokens of one login share.
    pub sid: Uuid,
    /// What it allows.
    pub scope: Scope,
    /// What the user is.
    pub roles: Vec<String>,
    /// When the user last gave a password.
    pub auth_time: i64,
    /// Which services act for the user, where the token was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<ActorChain>,
    /// What a browser has to show beside the token, where it holds it in a cookie: see [`csrf_claim`](crate::browser::csrf_claim).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
}

/// What a service's own access token says: `sub` is `client_id`, and there is no session. Times are seconds since the
/// epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceClaims {
    /// Who issued it.
    pub iss: String,
    /// Who may accept it; always a list.
    pub aud: Vec<String>,
    /// The client.
    pub sub: String,
    /// The client, once more.
    pub client_id: String,
    /// When it ends.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// When it begins, where that is not when it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Its own name.
    pub jti: String,
    /// What it allows.
    pub scope: Scope,
}

/// The claims of either kind, before it is known which.
#[derive(Deserialize)]
struct RawClaims<'a> {
    iss: String,
    aud: Vec<String>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    client_id: String,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    jti: String,
    #[serde(borrow)]
    sid: Option<Text<'a>>,
    scope: Scope,
    roles: Option<Vec<String>>,
    auth_time: Option<i64>,
    act: Option<ActorChain>,
    csrf: Option<String>,
}

/// A text that is not copied, where the token has it without escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The claims are neither a user's nor a service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claims are neither a user's nor a service's")]
pub struct InvalidClaims;

impl<'de> Deserialize<'de> for AccessClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawClaims::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl TryFrom<RawClaims<'_>> for AccessClaims {
    type Error = InvalidClaims;

    fn try_from(raw: RawClaims<'_>) -> Result<Self, InvalidClaims> {
        let RawClaims { iss, aud, sub, client_id, exp, iat, nbf, jti, scope, act, csrf, .. } = raw;
        match (raw.sid, raw.roles, raw.auth_time) {
            (Some(sid), Some(roles), Some(auth_time)) => {
                let (sub, sid) = (canonical_uuid(&sub)?, canonical_uuid(&sid.0)?);
                Ok(Self::User(UserClaims {
                    iss,
                    aud,
                    sub,
                    client_id,
                    exp,
                    iat,
                    nbf,
                    jti,
                    sid,
                    scope,
                    roles,
                    auth_time,
                    act,
                    csrf,
                }))
            }
            (None, None, None) if sub == client_id && act.is_none() && csrf.is_none() => {
                let sub = sub.into_owned();
                Ok(Self::Service(ServiceClaims { iss, aud, sub, client_id, exp, iat, nbf, jti, scope }))
            }
            _ => Err(InvalidClaims),
        }
    }
}

/// In the one form that auth-service writes: a reader that compares texts must not see another user in the same token.
fn canonical_uuid(text: &str) -> Result<Uuid, InvalidClaims> {
    let id = Uuid::try_parse(text).map_err(|_| InvalidClaims)?;
    let mut canonical = Uuid::encode_buffer();
    if id.hyphenated().encode_lower(&mut canonical) == text { Ok(id) } else { Err(InvalidClaims) }
}

impl AccessClaims {
    /// `jti`
    #[must_use]
    pub fn jti(&self) -> &str {
        match self {
            Self::User(claims) => &claims.jti,
            Self::Service(claims) => &claims.jti,
        }
    }

    /// The same claims under another `jti`.
    #[must_use]
    pub fn with_jti(mut self, jti: String) -> Self {
        match &mut self {
            Self::User(claims) => claims.jti = jti,
            Self::Service(claims) => claims.jti = jti,
        }
        self
    }

    /// `client_id`
    #[must_use]
    pub fn client_id(&self) -> &str {
        match self {
            Self::User(claims) => &claims.client_id,
            Self::Service(claims) => &claims.client_id,
        }
    }

    /// `csrf`
    #[must_use]
    pub fn csrf(&self) -> Option<&str> {
        match self {
            Self::User(claims) => claims.csrf.as_deref(),
            Self::Service(_) => None,
        }
    }
}

impl TimedClaims for AccessClaims {
    fn times(&self) -> RegisteredTimes {
        match self {
            Self::User(claims) => RegisteredTimes { exp: claims.exp, iat: claims.iat, nbf: claims.nbf },
            Self::Service(claims) => RegisteredTimes { exp: claims.exp, iat: claims.iat, nbf: claims.nbf },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service() -> Value {
        json!({
            "iss": "i", "aud": ["a"], "sub": "reports", "client_id": "reports", "exp": 2, "iat": 1, "jti": "j",
            "scope": "revocations:read",
        })
    }

    fn user() -> Value {
        json!({
            "iss": "i", "aud": ["a"], "sub": "01890a5d-ac96-774b-bcce-b302099a8057", "client_id": "first-party",
            "exp": 2, "iat": 1, "jti": "j", "sid": "01890a5d-ac96-774b-bcce-b302099a8058", "scope": "", "roles": [],
            "auth_time": 1,
        })
    }

    fn with(mut claims: Value, name: &str, value: Value) -> Value {
        claims[name] = value;
        claims
    }

    fn read(claims: Value) -> Result<AccessClaims, serde_json::Error> {
        serde_json::from_value(claims)
    }

    #[test]
    fn both_kinds_come_back_as_they_were() {
        let exchanged = with(user(), "act", json!({"sub": "reports"}));
        let in_a_cookie = with(user(), "csrf", json!("c"));
        for claims in [service(), user(), exchanged, in_a_cookie] {
            assert_eq!(serde_json::to_value(read(claims.clone()).unwrap()).unwrap(), claims);
        }
    }

    #[test]
    fn a_bit_of_both_is_neither() {
        let sid = user()["sid"].clone();
        for claims in [
            with(service(), "sid", sid),
            with(service(), "roles", json!(["admin"])),
            with(service(), "auth_time", json!(1)),
            with(service(), "sub", json!("somebody-else")),
            with(service(), "act", json!({"sub": "reports"})),
            with(service(), "csrf", json!("c")),
            with(user(), "sid", Value::Null),
            with(user(), "roles", Value::Null),
            with(user(), "auth_time", Value::Null),
            with(user(), "sub", json!("first-party")),
        ] {
            assert!(read(claims.clone()).is_err(), "{claims}");
        }
    }
}
