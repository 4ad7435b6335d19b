//! A refresh in SQL: read, decide, and write only if the row is still the one that was decided on.

use common::{
    clock::Timestamp,
    sql::{AnyConnection, SqlError},
};
use diesel::prelude::*;

use super::{
    revocations::SqlRevocations,
    schema::sessions,
    session_row::{SessionRow, StoredSession, delete_after, ended},
};
use crate::{
    domain::{
        ids::{SessionId, UserId},
        revocation::Revoked,
        session::{
            Decision, PresentedToken, RefreshRules, Refusal, RevokedReason, Session, SessionState, decide_refresh,
        },
    },
    ports::RefreshOutcome,
};

/// How often a refresh is decided anew because somebody else has changed the session meanwhile.
const ATTEMPTS: usize = 5;

/// What is asked for.
pub(super) struct Refresh {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) presented: PresentedToken,
    pub(super) now: Timestamp,
    pub(super) rules: RefreshRules,
    /// What says so if the session comes to its end.
    pub(super) log: SqlRevocations,
}

impl Refresh {
    /// Every statement may be a transaction of its own. Doing all of it twice comes to the same.
    pub(super) fn run(&self, connection: &mut AnyConnection) -> Result<RefreshOutcome, SqlError> {
        for _ in 0..ATTEMPTS {
            let row = sessions::table
                .find(self.session.to_string())
                .filter(sessions::user_id.eq(self.user.to_string()))
                .select(SessionRow::as_select())
                .first(connection)
                .optional()?;
            let Some(row) = row else {
                return Ok(RefreshOutcome::Refused(Refusal::LoginRequired));
            };
            if let Some(outcome) = self.carry_out(connection, row.try_into()?)? {
                return Ok(outcome);
            }
        }
        Err(SqlError::Unavailable(format!("the session {} was changed {ATTEMPTS} times meanwhile", self.session)))
    }

    /// `None` when the row is not the one any more that was decided on.
    fn carry_out(
        &self,
        connection: &mut AnyConnection,
        StoredSession { mut session, version }: StoredSession,
    ) -> Result<Option<RefreshOutcome>, SqlError> {
        match decide_refresh(state(&session, self.now), &self.presented, self.now, self.rules.hold) {
            Decision::Refuse(refusal) => Ok(Some(RefreshOutcome::Refused(refusal))),
            Decision::Reuse => {
                // Together, although a refresh is no transaction otherwise.
                let changed = connection.transaction(|connection| {
                    let changed = diesel::update(as_read(self.session, version))
                        .set(ended(RevokedReason::Reuse))
                        .execute(connection)?;
                    if changed == 1 {
                        self.log.write(connection, &[Revoked::Session(self.session)], None, self.now)?;
                    }
                    Ok::<_, SqlError>(changed)
                })?;
                Ok((changed == 1).then(|| RefreshOutcome::Reuse(Box::new(session))))
            }
            Decision::Grant { current, rotation, rolled_back } => {
                // Refreshes that leave the current token where it is do not stand in each other's way.
                let version_after = version + i64::from(current != session.current);
                session.current = current;
                session.last_seen = self.now;
                session.idle_expiry = self.now + self.rules.idle_ttl;
                let changed = diesel::update(as_read(self.session, version))
                    .set((
                        sessions::version.eq(version_after),
                        sessions::current_token.eq(current.id.to_string()),
                        sessions::generation.eq(i64::from(current.generation)),
                        sessions::last_seen_at.eq(session.last_seen.micros()),
                        sessions::idle_expires_at.eq(session.idle_expiry.micros()),
                        sessions::delete_after.eq(delete_after(&session).micros()),
                    ))
                    .execute(connection)?;
                let granted = || RefreshOutcome::Granted { session: Box::new(session), rotation, rolled_back };
                Ok((changed == 1).then(granted))
            }
        }
    }
}

/// The row, unless it has been changed since it had this version.
#[diesel::dsl::auto_type]
fn as_read(session: SessionId, version: i64) -> _ {
    let id: String = session.to_string();
    sessions::table.find(id).filter(sessions::version.eq(version))
}

fn state(session: &Session, now: Timestamp) -> SessionState {
    match session.revoked {
        _ if session.is_expired(now) => SessionState::Gone,
        Some(reason) => SessionState::Revoked(reason),
        None => SessionState::Alive(session.current),
    }
}
