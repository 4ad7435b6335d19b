//! The claims of an access token (RFC 9068, section 2.2).

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{clock::Timestamp, scope::Scope};

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

/// What a user's access token says. Times are seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessClaims {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
}

impl TimedClaims for AccessClaims {
    fn times(&self) -> RegisteredTimes {
        RegisteredTimes { exp: self.exp, iat: self.iat, nbf: self.nbf }
    }
}

/// A person with a password, as a verified access token describes them.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// `sub`
    pub id: Uuid,
    /// `sid`
    pub session: Uuid,
    /// `client_id`
    pub client_id: String,
    /// `scope`
    pub scope: Scope,
    /// `roles`
    pub roles: Vec<String>,
    /// `auth_time`
    pub authenticated_at: Timestamp,
    /// `exp`
    pub expires_at: Timestamp,
}

impl User {
    /// Whether the user has this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

impl From<AccessClaims> for User {
    fn from(claims: AccessClaims) -> Self {
        Self {
            id: claims.sub,
            session: claims.sid,
            client_id: claims.client_id,
            scope: claims.scope,
            roles: claims.roles,
            authenticated_at: Timestamp::from_seconds(claims.auth_time),
            expires_at: Timestamp::from_seconds(claims.exp),
        }
    }
}
