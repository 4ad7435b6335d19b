//! A refresh in SQL.

use common::{
    clock::Timestamp,
    sql::{AnyConnection, SqlError},
};
use diesel::prelude::*;

use super::{
    compare_and_swap::{as_read, decide_until_written},
    revocations::SqlRevocations,
    schema::sessions,
    session_row::{StoredSession, delete_after, ended},
};
use crate::{
    domain::{
        ids::{SessionId, UserId},
        revocation::Revoked,
        session::{Decision, PresentedToken, RefreshRules, Refusal, RevokedReason, decide_refresh},
    },
    ports::RefreshOutcome,
};

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
        decide_until_written(connection, (self.user, self.session), |connection, stored| match stored {
            Some(stored) => self.carry_out(connection, stored),
            None => Ok(Some(RefreshOutcome::Refused(Refusal::LoginRequired))),
        })
    }

    /// `None` when the row is not the one any more that was decided on.
    fn carry_out(
        &self,
        connection: &mut AnyConnection,
        StoredSession { mut session, version }: StoredSession,
    ) -> Result<Option<RefreshOutcome>, SqlError> {
        match decide_refresh(session.refresh_state(self.now), &self.presented, self.now, self.rules.hold) {
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
