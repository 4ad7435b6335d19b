//! A service looks a user up by name.

use super::{Deps, Trouble};
use crate::domain::user::{Identifier, User};

/// The user of that name who may log in.
pub async fn find_user(deps: &Deps, identifier: &Identifier) -> Result<Option<User>, Trouble> {
    let account = deps.users.find(identifier).await?;
    Ok(account.map(|account| account.user).filter(|user| !user.disabled))
}
