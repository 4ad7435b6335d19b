//! auth-service, asked with a token of this service's own.

use async_trait::async_trait;
use common::{
    outbound::beside,
    service_client::{ServiceClient, StatusCode, Url},
};
use serde::Deserialize;
use uuid::Uuid;

use super::LIMITS;
use crate::{
    domain::share::Username,
    ports::{FoundUser, RemoteError, UserDirectory},
};

/// What auth-service knows of users. The client needs the scope `users:read`.
pub struct AuthService {
    client: ServiceClient,
    users: Url,
}

#[derive(Deserialize)]
struct UserAnswer {
    sub: Uuid,
    username: String,
}

impl AuthService {
    /// For a service that follows the revocation feed at `feed_url`: users are beside it.
    #[must_use]
    pub fn beside(feed_url: &Url, client: ServiceClient) -> Self {
        Self { client, users: beside(feed_url, "users") }
    }
}

#[async_trait]
impl UserDirectory for AuthService {
    async fn find(&self, username: &Username) -> Result<Option<FoundUser>, RemoteError> {
        let call = self.client.get(self.users.clone()).query("username", username.as_str()).limits(LIMITS);
        let answer = call.send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let UserAnswer { sub, username } = answer.success().await?.json().await?;
        Ok(Some(FoundUser { id: sub, username }))
    }
}
