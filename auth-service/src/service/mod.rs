//! One file a use case. Each takes what it needs from [`Deps`] and gives back values of the domain, or an error that
//! says what went wrong in the words of the use case.

pub mod administrator;
pub mod announce;
pub mod audit;
pub mod authenticate;
pub mod authenticate_client;
pub mod authenticate_service;
pub mod change_password;
pub mod client_credentials;
pub mod confirm_password;
pub mod csrf_value;
pub mod delete_account;
pub mod effects;
pub mod end_sessions_before;
pub mod exchange_token;
pub mod find_user;
pub mod grant;
pub mod import_users;
pub mod introspect;
pub mod invite;
pub mod list_keys;
pub mod login;
pub mod logout;
pub mod manage_clients;
pub mod manage_users;
pub mod own_sessions;
pub mod profile;
pub mod reauthenticate;
pub mod refresh;
pub mod register;
pub mod rename;
pub mod revocation_feed;
pub mod revoke_token;
pub mod revoked_tokens;
pub mod session_secret;
pub mod signing_keys;
pub mod temporary_password;
pub mod throttle;
pub mod verify;

use std::{iter, sync::Arc, time::Duration};

use common::{browser::Site, scope::Scope};

use self::{audit::Audit, revoked_tokens::RevokedTokens, throttle::Throttle};
use crate::{
    crypto::{
        access_tokens::AccessTokens, client_assertions::ClientAssertions, csrf::CsrfValues,
        refresh_tokens::RefreshTokens, renewed_cookies::RenewedCookies,
    },
    domain::{
        client::LONGEST_CLIENT_TOKEN,
        session::{Mode, RefreshRules},
        throttle::Limit,
    },
    ports::{
        AuditStore, ClientStore, Clock, HashError, KeyStore, PasswordHasher, RevocationLog, Rng, SessionStore,
        StoreError, UserStore,
    },
};

/// Everything that the use cases share.
pub struct Deps {
    /// Users and the outbox.
    pub users: Arc<dyn UserStore>,
    /// Services that ask for tokens.
    pub clients: Arc<dyn ClientStore>,
    /// Verifies what clients have signed to prove who they are.
    pub client_assertions: ClientAssertions,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// What other services learn of that was revoked.
    pub revocation_log: Arc<dyn RevocationLog>,
    /// Which single tokens were revoked.
    pub revoked_tokens: Arc<RevokedTokens>,
    /// In front of everything that checks a secret.
    pub throttle: Throttle,
    /// Where use cases say what happened.
    pub audit: Audit,
    /// What has been said.
    pub audit_store: Arc<dyn AuditStore>,
    /// bcrypt, away from the workers.
    pub hasher: Arc<dyn PasswordHasher>,
    /// The keys that sign access tokens, where there may be some.
    pub keys: Option<Arc<dyn KeyStore>>,
    /// Signs and verifies access tokens.
    pub access_tokens: Arc<AccessTokens>,
    /// The values that front ends with cookies have to repeat.
    pub csrf: CsrfValues,
    /// The cookies that follow others.
    pub renewed_cookies: RenewedCookies,
    /// Signs and verifies refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// The settings that rules depend on.
    pub policy: Policy,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody: users are added by `auth-service user add`.
    Closed,
}

/// The settings that rules depend on.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `iss` of every token, and auth-service's own audience.
    pub issuer: String,
    /// How long an access token lives.
    pub access_ttl: Duration,
    /// How long the access token of mode `access_only` lives.
    pub access_only_ttl: Duration,
    /// How long verifiers may keep the public keys.
    pub jwks_max_age: Duration,
    /// How long a session lives at the most.
    pub absolute_ttl: Duration,
    /// Hold and idle time of refreshes.
    pub refresh: RefreshRules,
    /// What access tokens of users allow.
    pub scope: Scope,
    /// Which services access tokens of users are for, beside auth-service.
    pub audiences: Vec<String>,
    /// Who may register.
    pub registration: Registration,
    /// How users may log in.
    pub modes: Vec<Mode>,
    /// Whose cookies browsers hold; `None` where it could not have any, and no mode needs them.
    pub site: Option<Site>,
}

/// The longest that any access token lives, of a user or of a service.
#[must_use]
pub fn longest_token(access_ttl: Duration, access_only_ttl: Duration) -> Duration {
    access_ttl.max(access_only_ttl).max(LONGEST_CLIENT_TOKEN)
}

impl Policy {
    /// `aud` of a token for these services: auth-service itself is always among them.
    fn audiences_with<'a>(&'a self, others: impl Iterator<Item = &'a str>) -> Vec<String> {
        iter::once(self.issuer.as_str()).chain(others).map(str::to_owned).collect()
    }
}

/// What can go wrong in every use case, whatever was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A store is down or slow: try again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many passwords wait to be hashed: try again.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// Too many attempts have failed: wait.
    #[error("too many attempts have failed ({})", limit.as_str())]
    Throttled {
        /// Whose limit it is.
        limit: Limit,
        /// For how long.
        retry_after: Duration,
    },
    /// The user changed again and again while the request was under way: try again.
    #[error("the user changed while the request was under way")]
    Contended,
    /// Signing or hashing failed.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl From<HashError> for Trouble {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed => Self::Internal("a password could not be hashed"),
        }
    }
}
