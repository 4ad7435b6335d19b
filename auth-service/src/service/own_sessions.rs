//! The list of a user's sessions, for the user and for administrators.

use super::{Deps, Trouble};
use crate::domain::{ids::UserId, session::Session};

/// The sessions of the user who holds `current`, the newest first.
pub async fn own_sessions(deps: &Deps, current: &Session) -> Result<Vec<Session>, Trouble> {
    Ok(deps.sessions.list(current.user, deps.clock.now()).await?)
}

/// The sessions of `user`, the newest first; `None` when there is no such user.
pub async fn sessions_of(deps: &Deps, user: UserId) -> Result<Option<Vec<Session>>, Trouble> {
    if deps.users.find_by_id(user).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(deps.sessions.list(user, deps.clock.now()).await?))
}
