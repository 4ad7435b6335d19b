//! An operator ends all sessions from before an instant: after a break-in, or after a session store was restored from a
//! backup, which has brought back sessions that were ended since.

use common::clock::Timestamp;

use crate::{
    domain::session::RevokedReason,
    ports::{SessionStore, StoreError},
};

/// Ends every session that began before `instant`, the way that one is ended. Returns how many were alive at `now`.
pub async fn end_sessions_before(
    sessions: &dyn SessionStore,
    instant: Timestamp,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    for (user, session) in sessions.begun_before(instant, now).await? {
        ended += usize::from(sessions.revoke(user, session, RevokedReason::Operator, now).await?);
    }
    Ok(ended)
}
