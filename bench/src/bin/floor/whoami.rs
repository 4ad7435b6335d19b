//! The answer of `GET /api/whoami`, as resource-service gives it, whoever has found out who is asking.

use common::claims::User;
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
pub struct Answer {
    sub: Uuid,
    sid: Uuid,
    client_id: String,
    scope: String,
    roles: Vec<String>,
    authenticated_at: String,
    expires_at: String,
}

impl From<&User> for Answer {
    fn from(user: &User) -> Self {
        Self {
            sub: user.id,
            sid: user.session,
            client_id: user.client_id.clone(),
            scope: user.scope.to_string(),
            roles: user.roles.clone(),
            authenticated_at: user.authenticated_at.rfc3339(),
            expires_at: user.expires_at.rfc3339(),
        }
    }
}
