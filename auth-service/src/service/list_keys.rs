//! The list of the keys that sign access tokens.

use super::{Deps, Trouble};
use crate::domain::signing_key::SigningKey;

/// The signing keys, in the order in which they sign; none where tokens are signed with the shared secret alone.
pub async fn list_keys(deps: &Deps) -> Result<Vec<SigningKey>, Trouble> {
    let Some(store) = &deps.keys else { return Ok(Vec::new()) };
    Ok(store.load().await?.keys.into_iter().map(|stored| stored.key).collect())
}
