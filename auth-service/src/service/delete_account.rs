//! The end of an account: the user, the password and the sessions go, and other services learn of it.

use std::net::IpAddr;

use super::{
    Deps, Trouble,
    audit::own_event,
    effects::{Applied, change_and_apply},
};
use crate::{
    domain::{
        audit::AuditKind,
        effect::{Effect, EndReason},
        session::Session,
        user::{DeletedUser, DeletionPlace},
    },
    ports::{Change, UserStore},
};

/// What it means for the sessions.
pub(super) const ENDS_SESSIONS: Effect = Effect::EndSessions { reason: EndReason::UserDeleted, except: None };

/// Deletes the user who holds `session`.
pub async fn delete_account(deps: &Deps, session: &Session, address: Option<IpAddr>) -> Result<Applied, Trouble> {
    let event = own_event(deps, AuditKind::UserDeleted, session, address);
    let changed = change_and_apply(deps, session.user, &Change::Delete, &ENDS_SESSIONS, event).await?;
    // Deleting twice is no error.
    Ok(changed.map_or(Applied::Now, |changed| changed.applied))
}

/// A part of the list of deleted users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedPage {
    /// In the order in which they went.
    pub users: Vec<DeletedUser>,
    /// Where the next part begins; `None` where nobody was ever deleted.
    pub cursor: Option<DeletionPlace>,
}

/// Who was deleted after `cursor`, at most `limit`. `None` for a cursor that the list does not know.
pub async fn deleted_page(
    users: &dyn UserStore,
    cursor: Option<DeletionPlace>,
    limit: u32,
) -> Result<Option<DeletedPage>, Trouble> {
    let page = users.deleted_after(cursor, limit).await?;
    Ok(page.map(|users| {
        let cursor = users.last().map(|user| user.place).or(cursor);
        DeletedPage { users, cursor }
    }))
}
