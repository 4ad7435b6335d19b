//! Visits and renewals in SQL.

use std::time::Duration;

use common::{
    clock::Timestamp,
    sql::{AnyConnection, SqlError},
};
use diesel::prelude::*;

use super::{
    compare_and_swap::{as_read, decide_until_written, stored},
    schema::sessions,
    session_row::{StoredSession, bytes, delete_after},
};
use crate::domain::{
    ids::{SessionId, UserId},
    session::Session,
    session_secret::{SecretHash, decide_renewal, decide_visit},
};

/// A secret that is presented for a session.
#[derive(Clone, Copy)]
pub(super) struct PresentedSecret {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) secret: SecretHash,
    pub(super) now: Timestamp,
}

/// What reading tells of a visit.
pub(super) enum Look {
    /// All of it: nothing is to be written.
    Settled(Option<Box<Session>>),
    /// It is good, and to be noted.
    Due,
}

impl PresentedSecret {
    /// The part of a visit that only reads, which is all of most.
    pub(super) fn look(&self, connection: &mut AnyConnection, idle_ttl: Duration) -> Result<Look, SqlError> {
        let Some(StoredSession { session, .. }) = stored(connection, self.user, self.session)? else {
            return Ok(Look::Settled(None));
        };
        let visited = decide_visit(&session, &self.secret, self.now, idle_ttl);
        let is_due = visited.as_ref().is_some_and(|visited| *visited != session);
        Ok(if is_due { Look::Due } else { Look::Settled(visited.map(Box::new)) })
    }

    /// All of a visit. Every statement may be a transaction of its own. Doing it twice comes to the same.
    pub(super) fn visit(
        &self,
        connection: &mut AnyConnection,
        idle_ttl: Duration,
    ) -> Result<Option<Session>, SqlError> {
        decide_until_written(connection, (self.user, self.session), |connection, stored| {
            let Some(StoredSession { session, version }) = stored else { return Ok(Some(None)) };
            let visited = decide_visit(&session, &self.secret, self.now, idle_ttl);
            let Some(visited) = visited else { return Ok(Some(None)) };
            if visited == session {
                return Ok(Some(Some(visited)));
            }
            // Visits that leave the secrets where they are do not stand in each other's way.
            let version_after = version + i64::from(visited.secrets != session.secrets);
            let changed = diesel::update(as_read(self.session, version))
                .set((
                    sessions::version.eq(version_after),
                    sessions::previous_secret.eq(visited.secrets.and_then(|secrets| secrets.previous).map(bytes)),
                    sessions::last_seen_at.eq(visited.last_seen.micros()),
                    sessions::idle_expires_at.eq(visited.idle_expiry.micros()),
                    sessions::delete_after.eq(delete_after(&visited).micros()),
                ))
                .execute(connection)?;
            Ok((changed == 1).then_some(Some(visited)))
        })
    }

    /// Every statement may be a transaction of its own. Doing it twice comes to the same.
    pub(super) fn renew(&self, connection: &mut AnyConnection, new: &SecretHash) -> Result<bool, SqlError> {
        decide_until_written(connection, (self.user, self.session), |connection, stored| {
            let Some(StoredSession { session, version }) = stored else { return Ok(Some(false)) };
            let renewed = decide_renewal(&session, &self.secret, new, self.now);
            let Some(secrets) = renewed.and_then(|renewed| renewed.secrets) else { return Ok(Some(false)) };
            // A visit may be noted at the same time, so nothing else is written.
            let changed = diesel::update(as_read(self.session, version))
                .set((
                    sessions::version.eq(version + 1),
                    sessions::secret.eq(bytes(secrets.current)),
                    sessions::previous_secret.eq(secrets.previous.map(bytes)),
                ))
                .execute(connection)?;
            Ok((changed == 1).then_some(true))
        })
    }
}
