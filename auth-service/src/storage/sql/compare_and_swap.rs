//! Changes to a session that are decided outside of the database: read, decide, and write only if the row is still the
//! one that was decided on.

use common::sql::{AnyConnection, SqlError};
use diesel::prelude::*;

use super::{
    schema::sessions,
    session_row::{SessionRow, StoredSession},
};
use crate::domain::ids::{SessionId, UserId};

/// How often a change is decided anew because somebody else has changed the session meanwhile.
const ATTEMPTS: usize = 5;

/// Decides and writes until nobody comes in between. `attempt` gets the session as it is, where there is one, and says
/// `None` when it was not that any more by the time it wrote.
pub(super) fn decide_until_written<T>(
    connection: &mut AnyConnection,
    (user, session): (UserId, SessionId),
    mut attempt: impl FnMut(&mut AnyConnection, Option<StoredSession>) -> Result<Option<T>, SqlError>,
) -> Result<T, SqlError> {
    for _ in 0..ATTEMPTS {
        let stored = stored(connection, user, session)?;
        if let Some(outcome) = attempt(connection, stored)? {
            return Ok(outcome);
        }
    }
    Err(SqlError::Unavailable(format!("the session {session} was changed {ATTEMPTS} times meanwhile")))
}

/// The session, over or not, and the version of its row.
pub(super) fn stored(
    connection: &mut AnyConnection,
    user: UserId,
    session: SessionId,
) -> Result<Option<StoredSession>, SqlError> {
    let row = sessions::table.find(session.to_string()).filter(sessions::user_id.eq(user.to_string()));
    let row = row.select(SessionRow::as_select()).first(connection).optional()?;
    row.map(StoredSession::try_from).transpose()
}

/// The row, unless it has been changed since it had this version.
#[diesel::dsl::auto_type]
pub(super) fn as_read(session: SessionId, version: i64) -> _ {
    let id: String = session.to_string();
    sessions::table.find(id).filter(sessions::version.eq(version))
}
