//! The user behind a session.

use super::{Deps, Trouble, authenticate::AuthenticateError};
use crate::domain::{session::Session, user::User};

/// The user as stored now.
pub async fn profile(deps: &Deps, session: &Session) -> Result<User, AuthenticateError> {
    let account = deps.users.find_by_id(session.user).await.map_err(Trouble::from)?;
    account.map(|account| account.user).ok_or(AuthenticateError::LoginRequired)
}
