//! Who is asking, as a verified access token describes them. Clones share what they say, so that a token that is known costs
//! no copy of it.

use std::{ops::Deref, sync::Arc};

use uuid::Uuid;

use super::{AccessClaims, ActorChain};
use crate::{clock::Timestamp, scope::Scope};

/// Who is asking, as a verified access token describes them.
#[derive(Debug, Clone, PartialEq)]
pub enum Principal {
    /// A person.
    User(User),
    /// A service.
    Service(Service),
}

/// A person with a password, as a verified access token describes them: see [`UserDetails`].
#[derive(Debug, Clone, PartialEq)]
pub struct User(Arc<UserDetails>);

/// What a token says of a person.
#[derive(Debug, PartialEq)]
pub struct UserDetails {
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
    /// `act`: the services that act for the user.
    pub actors: Option<ActorChain>,
}

/// A service that acts for itself, as a verified access token describes it: see [`ServiceDetails`].
#[derive(Debug, Clone, PartialEq)]
pub struct Service(Arc<ServiceDetails>);

/// What a token says of a service.
#[derive(Debug, PartialEq)]
pub struct ServiceDetails {
    /// `client_id`, which is also `sub`
    pub client_id: String,
    /// `scope`
    pub scope: Scope,
    /// `exp`
    pub expires_at: Timestamp,
}

impl Deref for User {
    type Target = UserDetails;

    fn deref(&self) -> &UserDetails {
        &self.0
    }
}

impl Deref for Service {
    type Target = ServiceDetails;

    fn deref(&self) -> &ServiceDetails {
        &self.0
    }
}

impl UserDetails {
    /// Whether the user has this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

/// Who holds a token, and so may do what its scope says.
pub trait Holder {
    /// `scope`
    fn scope(&self) -> &Scope;
}

impl Holder for User {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Holder for Service {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Holder for Principal {
    fn scope(&self) -> &Scope {
        match self {
            Self::User(user) => &user.scope,
            Self::Service(service) => &service.scope,
        }
    }
}

impl From<&AccessClaims> for Principal {
    fn from(claims: &AccessClaims) -> Self {
        match claims {
            AccessClaims::User(claims) => Self::User(User(Arc::new(UserDetails {
                id: claims.sub,
                session: claims.sid,
                client_id: claims.client_id.clone(),
                scope: claims.scope.clone(),
                roles: claims.roles.clone(),
                authenticated_at: Timestamp::from_seconds(claims.auth_time),
                expires_at: Timestamp::from_seconds(claims.exp),
                actors: claims.act.clone(),
            }))),
            AccessClaims::Service(claims) => Self::Service(Service(Arc::new(ServiceDetails {
                client_id: claims.client_id.clone(),
                scope: claims.scope.clone(),
                expires_at: Timestamp::from_seconds(claims.exp),
            }))),
        }
    }
}
