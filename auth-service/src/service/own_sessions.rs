//! The list of a user's sessions.

use super::{Deps, Trouble};
use crate::domain::session::Session;

/// The sessions of the user who holds `current`, the newest first.
pub async fn own_sessions(deps: &Deps, current: &Session) -> Result<Vec<Session>, Trouble> {
    Ok(deps.sessions.list(current.user, deps.clock.now()).await?)
}
