//! Sessions, where there is no Redis.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyConnection, Sql, SqlError, TIME_LIMIT},
};
use diesel::prelude::*;
use tokio::time::timeout;

use super::{
    epochs,
    failure::inconsistent,
    names,
    refresh::Refresh,
    revocations::SqlRevocations,
    schema::sessions,
    session_row::{SessionRow, StoredSession, ended},
    session_secrets::{Look, PresentedSecret},
};
use crate::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::{SessionId, UserId},
        revocation::{DEFAULT_LOG_KEPT, Revoked},
        session::{MOST_SESSIONS, Mode, PresentedToken, RefreshRules, RevokedReason, Session, SessionKind},
        session_secret::SecretHash,
    },
    ports::{Creation, RefreshOutcome, SessionStore, StoreError},
};

/// How many sessions an operator's question reads at a time.
const PAGE: i64 = 1_000;

/// For so long after a user is gone the sweep looks for the epoch: it does not go through all who ever went.
const LOOKED_FOR: Duration = Duration::from_hours(30 * 24);

/// Far longer than a login can take, from reading its user to creating the session.
const LONGEST_LOGIN: Duration = Duration::from_hours(1);

/// The [`SessionStore`] in SQL.
#[derive(Clone)]
pub struct SqlSessions {
    sql: Sql,
    log: SqlRevocations,
}

impl SqlSessions {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { log: SqlRevocations::new(sql.clone(), DEFAULT_LOG_KEPT), sql }
    }

    /// The same, with a log that keeps its entries for `kept`: longer than any access token lives.
    #[must_use]
    pub fn keeping_revocations_for(self, kept: Duration) -> Self {
        Self { log: SqlRevocations::new(self.sql.clone(), kept), ..self }
    }

    /// The log of the sessions that were ended.
    #[must_use]
    pub fn log(&self) -> SqlRevocations {
        self.log.clone()
    }

    /// Deletes up to `limit` sessions whose time was over at `now`, a day ago at most, and returns how many. Revoked
    /// ones stay until then. A few hundred at a time keep nobody waiting; fewer than `limit` means that it is done.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let swept = self.sql.write(move |connection| {
            let over: Vec<String> = sessions::table
                .select(sessions::id)
                .filter(sessions::delete_after.le(now.micros()))
                .order(sessions::delete_after)
                .limit(limit.into())
                .load(connection)?;
            // Looked at again: since they were listed, another replica may have deleted them. In one statement: with one for
            // each, a batch takes too long where an answer of the database takes two milliseconds.
            let rows =
                sessions::table.filter(sessions::id.eq_any(over)).filter(sessions::delete_after.le(now.micros()));
            Ok(diesel::delete(rows).execute(connection)?)
        });
        Ok(swept.await?)
    }

    /// Deletes up to `limit` epochs of users who have been gone for long enough at `now`, and returns how many.
    pub async fn sweep_epochs(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let gone = now - LOOKED_FOR..now - LONGEST_LOGIN;
        Ok(self.sql.write(move |connection| Ok(epochs::sweep(connection, &gone, limit)?)).await?)
    }
}

#[async_trait]
impl SessionStore for SqlSessions {
    async fn create(&self, session: &Session, now: Timestamp) -> Result<Creation, StoreError> {
        let (session, log) = (session.clone(), self.log.clone());
        let created = self.sql.write(move |connection| {
            if !epochs::admit(connection, session.user, session.epoch)? {
                return Ok(Creation::StaleEpoch);
            }
            // From an attempt before that was carried out although it seemed to fail.
            let exists = sessions::table.find(session.id.to_string()).count().get_result::<i64>(connection)? == 1;
            if exists {
                return Ok(Creation::Done { ended: Vec::new() });
            }
            let ended = end_the_oldest(connection, session.user, session.mode.kind(), now)?;
            let announced: Vec<_> = ended.iter().copied().map(Revoked::Session).collect();
            log.write(connection, &announced, None, now)?;
            diesel::insert_into(sessions::table).values(SessionRow::from(&session)).execute(connection)?;
            Ok(Creation::Done { ended })
        });
        Ok(created.await?)
    }

    async fn refresh(
        &self,
        user: UserId,
        session: SessionId,
        presented: &PresentedToken,
        now: Timestamp,
        rules: RefreshRules,
    ) -> Result<RefreshOutcome, StoreError> {
        let refresh = Refresh { user, session, presented: *presented, now, rules, log: self.log.clone() };
        Ok(self.sql.write_repeatable(move |connection| refresh.run(connection)).await?)
    }

    async fn visit(
        &self,
        user: UserId,
        session: SessionId,
        presented: &SecretHash,
        now: Timestamp,
        idle_ttl: Duration,
    ) -> Result<Option<Session>, StoreError> {
        let presented = PresentedSecret { user, session, secret: *presented, now };
        let visit = async {
            match self.sql.read(move |connection| presented.look(connection, idle_ttl)).await? {
                Look::Settled(visited) => Ok(visited.map(|visited| *visited)),
                Look::Due => self.sql.write_repeatable(move |connection| presented.visit(connection, idle_ttl)).await,
            }
        };
        // Both steps together: each of them is bounded alone.
        let late = |_| StoreError::Unavailable(format!("no answer within {} ms", TIME_LIMIT.as_millis()));
        Ok(timeout(TIME_LIMIT, visit).await.map_err(late)??)
    }

    async fn renew_secret(
        &self,
        user: UserId,
        session: SessionId,
        presented: &SecretHash,
        new: &SecretHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (presented, new) = (PresentedSecret { user, session, secret: *presented, now }, *new);
        Ok(self.sql.write_repeatable(move |connection| presented.renew(connection, &new)).await?)
    }

    async fn find(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let found = self.sql.read(move |connection| {
            let row = sessions::table.find(session.to_string()).filter(sessions::user_id.eq(user.to_string()));
            let row = row.select(SessionRow::as_select()).first(connection).optional()?;
            Ok(row.map(read).transpose()?.filter(|session| session.is_alive(now)))
        });
        Ok(found.await?)
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let listed = self.sql.read(move |connection| {
            let rows: Vec<SessionRow> = alive(user, now)
                .select(SessionRow::as_select())
                .order((sessions::created_at.desc(), sessions::id.desc()))
                .load(connection)?;
            rows.into_iter().map(read).collect()
        });
        Ok(listed.await?)
    }

    async fn reauthenticated(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<bool, StoreError> {
        let noted = self.sql.write_repeatable(move |connection| {
            let noted = (sessions::authenticated_at.eq(now.micros()), sessions::version.eq(sessions::version + 1));
            Ok(diesel::update(alive(user, now).find(session.to_string())).set(noted).execute(connection)? == 1)
        });
        Ok(noted.await?)
    }

    async fn revoke(
        &self,
        user: UserId,
        session: SessionId,
        reason: RevokedReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let log = self.log.clone();
        let revoked = self.sql.write(move |connection| {
            let row = alive(user, now).find(session.to_string());
            let done = diesel::update(row).set(ended(reason)).execute(connection)? == 1;
            if done {
                log.write(connection, &[Revoked::Session(session)], None, now)?;
            }
            Ok(done)
        });
        Ok(revoked.await?)
    }

    async fn begun_before(&self, instant: Timestamp, now: Timestamp) -> Result<Vec<(UserId, SessionId)>, StoreError> {
        let mut begun = Vec::new();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let page = self.sql.read(move |connection| {
                Ok(anybodys_alive(now)
                    .filter(sessions::id.gt(&from))
                    .filter(sessions::created_at.lt(instant.micros()))
                    .select((sessions::user_id, sessions::id))
                    .order(sessions::id)
                    .limit(PAGE)
                    .load::<(String, String)>(connection)?)
            });
            let page = page.await?;
            let Some((_, last)) = page.last() else { return Ok(begun) };
            after.clone_from(last);
            for (user, id) in &page {
                if let (Ok(user), Ok(id)) = (user.parse(), id.parse()) {
                    begun.push((user, id));
                } else {
                    tracing::error!(id, "the row of a session cannot be understood");
                }
            }
        }
    }

    async fn apply(&self, effect: &PendingEffect, now: Timestamp) -> Result<(), StoreError> {
        let (effect, log) = (effect.clone(), self.log.clone());
        Ok(self.sql.write(move |connection| apply(connection, &effect, now, &log)).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.sql.ping().await?)
    }
}

fn read(row: SessionRow) -> Result<Session, SqlError> {
    StoredSession::try_from(row).map(|stored| stored.session)
}

/// The sessions of a user that are alive at `now`.
#[diesel::dsl::auto_type]
fn alive(user: UserId, now: Timestamp) -> _ {
    let user: String = user.to_string();
    let everybodys: anybodys_alive = anybodys_alive(now);
    everybodys.filter(sessions::user_id.eq(user))
}

/// All sessions that are alive at `now`.
#[diesel::dsl::auto_type]
fn anybodys_alive(now: Timestamp) -> _ {
    let micros: i64 = now.micros();
    sessions::table
        .filter(sessions::revoked_reason.is_null())
        .filter(sessions::absolute_expires_at.gt(micros))
        .filter(sessions::idle_expires_at.gt(micros))
}

/// Makes room for one more session of this kind. The row of the user's epoch is locked, so nobody else adds one.
fn end_the_oldest(
    connection: &mut AnyConnection,
    user: UserId,
    kind: SessionKind,
    now: Timestamp,
) -> Result<Vec<SessionId>, SqlError> {
    let newest_first: Vec<(String, String)> = alive(user, now)
        .select((sessions::id, sessions::mode))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .load(connection)?;
    let of_kind = newest_first.into_iter().filter(|(_, mode)| mode.parse().is_ok_and(|mode: Mode| mode.kind() == kind));
    let mut superseded = Vec::new();
    for (id, _) in of_kind.skip(MOST_SESSIONS - 1) {
        diesel::update(alive(user, now).filter(sessions::id.eq(&id)))
            .set(ended(RevokedReason::Superseded))
            .execute(connection)?;
        superseded.push(id.parse().map_err(|_| inconsistent("sessions", "id", &id))?);
    }
    Ok(superseded)
}

fn apply(
    connection: &mut AnyConnection,
    pending: &PendingEffect,
    now: Timestamp,
    log: &SqlRevocations,
) -> Result<(), SqlError> {
    epochs::raise(connection, pending.user, pending.epoch)?;
    let older = alive(pending.user, now).filter(sessions::epoch.lt(pending.epoch));
    let raised = (sessions::epoch.eq(pending.epoch), sessions::version.eq(sessions::version + 1));
    match &pending.effect {
        Effect::EndSessions { reason, except } => {
            if let Some(kept) = except {
                diesel::update(older.clone().filter(sessions::id.eq(kept.to_string())))
                    .set(raised)
                    .execute(connection)?;
            }
            let over: Vec<String> =
                diesel::update(older).set(ended((*reason).into())).returning(sessions::id).get_results(connection)?;
            let over = over.iter().map(|id| id.parse().map(Revoked::Session));
            let over = over.collect::<Result<Vec<_>, _>>().map_err(|_| inconsistent("sessions", "id", pending.user))?;
            log.write(connection, &over, None, now)?;
            if *reason == EndReason::UserDeleted {
                // Device and address are those of somebody who is gone.
                let all = sessions::table.filter(sessions::user_id.eq(pending.user.to_string()));
                diesel::delete(all.filter(sessions::epoch.lt(pending.epoch))).execute(connection)?;
            }
        }
        Effect::SetRoles { roles } => {
            diesel::update(older).set((sessions::roles.eq(names::to_text(roles)), raised)).execute(connection)?;
        }
    }
    Ok(())
}
