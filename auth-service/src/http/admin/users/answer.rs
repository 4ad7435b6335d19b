//! How a user is shown to administrators.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::user::User;

/// A user, as administrators see them.
#[derive(Serialize, ToSchema)]
pub struct AdminUserAnswer {
    /// `sub` in tokens.
    id: Uuid,
    username: String,
    email: Option<String>,
    roles: Vec<String>,
    /// Whether they may not log in.
    disabled: bool,
    /// RFC 3339, in UTC.
    created_at: String,
}

impl From<&User> for AdminUserAnswer {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.to_string(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            roles: user.roles.clone(),
            disabled: user.disabled,
            created_at: user.created_at.rfc3339(),
        }
    }
}

/// A part of the users.
#[derive(Serialize, ToSchema)]
pub struct UserList {
    /// In the order of their registration.
    items: Vec<AdminUserAnswer>,
    /// Give it as `cursor` to get the next page; null on the last one.
    next: Option<Uuid>,
}

impl UserList {
    /// `users` must be one more than `limit`, or all there are.
    pub(super) fn page(users: &[User], limit: u32) -> Self {
        let shown = &users[..users.len().min(limit as usize)];
        let next = shown.last().filter(|_| shown.len() < users.len());
        Self { items: shown.iter().map(AdminUserAnswer::from).collect(), next: next.map(|user| user.id.0) }
    }
}
