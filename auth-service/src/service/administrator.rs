//! Who may administrate: the user's record says so at this moment, not the token and not the session.

use super::{
    Deps, Trouble,
    authenticate::{AuthenticateError, Delegation, Shown, authenticate},
};
use crate::domain::session::Session;

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdministratorError {
    /// Nobody is known to be asking.
    #[error(transparent)]
    Unauthenticated(#[from] AuthenticateError),
    /// The user is none, or not any more.
    #[error("the user is no administrator")]
    NotAdministrator,
}

/// The session of who is asking, an administrator.
pub async fn administrator(deps: &Deps, shown: &Shown) -> Result<Session, AdministratorError> {
    let session = authenticate(deps, shown, Delegation::Refused).await?;
    let account = deps.users.find_by_id(session.user).await.map_err(Trouble::from).map_err(AuthenticateError::from)?;
    let user = account.map(|account| account.user).ok_or(AuthenticateError::LoginRequired)?;
    if !user.is_administrator() {
        return Err(AdministratorError::NotAdministrator);
    }
    Ok(session)
}
