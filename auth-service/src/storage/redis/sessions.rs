//! The session store in Redis.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::clock::Timestamp;
use secrecy::SecretString;

use super::{
    address::InvalidRedisUrl,
    answer::{Answer, Change},
    client::{RedisClient, within_deadline},
    disk::Disk,
    id, keys,
    record::{self, Fields, micros},
    revocations::RedisRevocations,
    script::{self, Script},
};
use crate::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::{SessionId, UserId},
        revocation::{DEFAULT_LOG_KEPT, Revoked},
        session::{MOST_SESSIONS, Mode, PresentedToken, RefreshRules, Refusal, RevokedReason, Session, SessionKind},
        session_secret::{SecretHash, noted_every},
    },
    ports::{Creation, RefreshOutcome, SessionStore, StoreError},
};

/// How long a record stays after its time, so that clocks that do not agree lose nothing.
const KEPT_AFTER_EXPIRY: Duration = Duration::from_hours(1);

/// How long an epoch is remembered: much longer than a login takes, which is what it is compared with.
const EPOCH_KEPT: Duration = Duration::from_hours(24);

/// What turns rounding down to seconds into rounding up.
const ALMOST_A_SECOND: Duration = Duration::from_micros(999_999);

/// How many sessions one script goes through: meanwhile everybody else waits.
const BATCH: usize = 500;

/// A session, or what in its record cannot be understood.
type Understood = Result<Session, StoreError>;

/// The [`SessionStore`] in Redis.
pub struct RedisSessions {
    redis: Arc<RedisClient>,
    disk: Arc<Disk>,
    log: RedisRevocations,
    durable_logins: bool,
}

impl RedisSessions {
    /// A store at `url`. Whatever runtime asks has a connection of its own, made and made again by a task on it; the caller's is
    /// made at once.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn connect(url: &SecretString) -> Result<Self, InvalidRedisUrl> {
        let redis = Arc::new(RedisClient::open(url)?);
        let disk = Arc::new(Disk::open(url)?);
        let log = RedisRevocations::new(Arc::clone(&redis), Arc::clone(&disk), DEFAULT_LOG_KEPT);
        Ok(Self { redis, disk, log, durable_logins: false })
    }

    /// The same, with a log that keeps its entries for `kept`: longer than any access token lives.
    #[must_use]
    pub fn keeping_revocations_for(self, kept: Duration) -> Self {
        Self { log: RedisRevocations::new(Arc::clone(&self.redis), Arc::clone(&self.disk), kept), ..self }
    }

    /// The same, in which new sessions wait for the disk, as revocations and new secrets always do.
    #[must_use]
    pub fn with_durable_logins(self, durable_logins: bool) -> Self {
        Self { durable_logins, ..self }
    }

    /// Waits until what was written for the user is on the disk, revocations included.
    async fn on_disk(&self, user: UserId) -> Result<(), StoreError> {
        // Of several servers the log may be on another one.
        let is_cluster = within_deadline(async { Ok(self.redis.is_cluster().await?) }).await?;
        let own = is_cluster.then(|| keys::fence(user));
        self.disk.reached([keys::log_fence()].into_iter().chain(own)).await
    }

    /// The log of the sessions that were ended.
    #[must_use]
    pub fn log(&self) -> RedisRevocations {
        self.log.clone()
    }

    /// Ends those of the sessions that are alive and older than `epoch`: in the log first, then in the records.
    async fn end_older(
        &self,
        user: UserId,
        ids: &[SessionId],
        end: &FieldChange,
        epoch: i64,
    ) -> Result<(), StoreError> {
        // One that cannot be understood is announced as well: it can do nothing, but its access tokens could.
        let mut announced = Vec::new();
        for (id, session) in self.records(user, ids).await? {
            let matters = session.map_or(true, |session| session.is_alive(end.now) && session.epoch < epoch);
            announced.extend(matters.then_some(Revoked::Session(id)));
        }
        self.log.add(announced, None, end.now).await?;
        self.change_older(user, ids, end).await
    }

    /// The sessions that have not been taken off the index. They may have expired.
    async fn index(&self, user: UserId) -> Result<Vec<SessionId>, StoreError> {
        match script::INDEX.run(&self.redis, &[keys::index(user)], &[]).await? {
            Answer::Sessions(sessions) => Ok(sessions),
            _ => Err(script::INDEX.not_understood()),
        }
    }

    /// Those of the sessions that are alive at `now`, in any order.
    async fn read(&self, user: UserId, ids: &[SessionId], now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let mut alive = Vec::new();
        for (_, session) in self.records(user, ids).await? {
            let session = session?;
            alive.extend(session.is_alive(now).then_some(session));
        }
        Ok(alive)
    }

    /// Those of the sessions that have a record, which may not be understood.
    async fn records(&self, user: UserId, ids: &[SessionId]) -> Result<Vec<(SessionId, Understood)>, StoreError> {
        let mut all = Vec::new();
        for ids in ids.chunks(BATCH) {
            let keys: Vec<_> = ids.iter().map(|id| keys::session(user, *id)).collect();
            let Answer::Records(records) = script::READ.run(&self.redis, &keys, &[]).await? else {
                return Err(script::READ.not_understood());
            };
            let there = ids.iter().zip(records).filter_map(|(id, record)| Some((*id, record?)));
            all.extend(there.map(|(id, record)| (id, record::session(user, id, &record))));
        }
        Ok(all)
    }

    /// Presents a secret to the script. `None` when the session is not alive or not known by it.
    async fn present(
        &self,
        script: &Script,
        user: UserId,
        session: SessionId,
        arguments: &[String],
    ) -> Result<Option<Session>, StoreError> {
        let key = keys::session(user, session);
        match within_deadline(script.run(&self.redis, std::slice::from_ref(&key), arguments)).await? {
            Answer::Secret { known, record } => {
                let session = record::session(user, session, &record)?;
                Ok(known.then_some(session))
            }
            Answer::Gone | Answer::Revoked(_) => Ok(None),
            Answer::Damaged => Err(StoreError::Inconsistent(key)),
            _ => Err(script.not_understood()),
        }
    }

    async fn change(&self, user: UserId, id: SessionId, what: &FieldChange) -> Result<bool, StoreError> {
        match self.change_all(user, &[id], what).await?.as_slice() {
            [Change::Done] => Ok(true),
            [Change::NotDue] => Ok(false),
            [Change::Damaged] => Err(StoreError::Inconsistent(keys::session(user, id))),
            _ => Err(script::CHANGE.not_understood()),
        }
    }

    async fn change_all(&self, user: UserId, ids: &[SessionId], what: &FieldChange) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        for ids in ids.chunks(BATCH) {
            let sessions = ids.iter().map(|id| keys::session(user, *id));
            let keys: Vec<_> = [keys::index(user)].into_iter().chain(sessions).collect();
            match script::CHANGE.run(&self.redis, &keys, &what.arguments()).await? {
                Answer::Changes(some) if some.len() == ids.len() => changes.extend(some),
                _ => return Err(script::CHANGE.not_understood()),
            }
        }
        Ok(changes)
    }

    /// The same for sessions older than `what` says. One that cannot be understood can do nothing either; the others
    /// must not wait for it.
    async fn change_older(&self, user: UserId, ids: &[SessionId], what: &FieldChange) -> Result<(), StoreError> {
        let changes = self.change_all(user, ids, what).await?;
        for (session, _) in ids.iter().zip(changes).filter(|(_, change)| *change == Change::Damaged) {
            tracing::error!(%user, %session, "the record of a session cannot be understood");
        }
        Ok(())
    }

    async fn raise(&self, user: UserId, epoch: i64) -> Result<Vec<SessionId>, StoreError> {
        let keys = [keys::index(user), keys::epoch(user)];
        match script::RAISE.run(&self.redis, &keys, &[epoch.to_string(), millis(EPOCH_KEPT)]).await? {
            Answer::Sessions(sessions) => Ok(sessions),
            Answer::Damaged => Err(StoreError::Inconsistent(keys::epoch(user))),
            _ => Err(script::RAISE.not_understood()),
        }
    }
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn create(&self, session: &Session, now: Timestamp) -> Result<Creation, StoreError> {
        let Session { id, user, .. } = *session;
        let mut keys = vec![keys::session(user, id), keys::index(user), keys::epoch(user)];
        let expiry = session.absolute_expiry.min(session.idle_expiry);
        let mut arguments = vec![
            session.epoch.to_string(),
            id::written(&id.0).to_string(),
            (session.absolute_expiry + ALMOST_A_SECOND).seconds().to_string(),
            (now - KEPT_AFTER_EXPIRY).seconds().to_string(),
            millis(expiry.since(now) + KEPT_AFTER_EXPIRY),
            millis(session.absolute_expiry.since(now) + KEPT_AFTER_EXPIRY),
            micros(now),
            counted_as(session.mode.kind()).to_owned(),
            MOST_SESSIONS.to_string(),
            String::new(),
        ];
        let announced = arguments.len() - 1;
        arguments.extend(flattened(record::fields(session)));
        let creation = within_deadline(async {
            loop {
                match script::CREATE.run(&self.redis, &keys, &arguments).await? {
                    Answer::Created(ended) => return Ok(Creation::Done { ended }),
                    Answer::Unannounced(over) => {
                        arguments[announced].extend(over.iter().map(|session| format!("{} ", id::written(&session.0))));
                        self.log.add(over.into_iter().map(Revoked::Session).collect(), None, now).await?;
                    }
                    // Once more with the keys of all. Another login may have added one meanwhile, but not all of them have:
                    // each time one gets through.
                    Answer::Crowded(others) => {
                        keys.truncate(3);
                        keys.extend(others.into_iter().map(|other| keys::session(user, other)));
                    }
                    Answer::StaleEpoch => return Ok(Creation::StaleEpoch),
                    Answer::Damaged => return Err(StoreError::Inconsistent(keys::epoch(user))),
                    _ => return Err(script::CREATE.not_understood()),
                }
            }
        })
        .await?;
        if self.durable_logins {
            self.on_disk(user).await?;
        }
        Ok(creation)
    }

    async fn refresh(
        &self,
        user: UserId,
        session: SessionId,
        presented: &PresentedToken,
        now: Timestamp,
        rules: RefreshRules,
    ) -> Result<RefreshOutcome, StoreError> {
        let keys = [keys::session(user, session)];
        let arguments = [
            micros(now),
            now.seconds().to_string(),
            rules.hold.as_secs().to_string(),
            presented.id.to_string(),
            presented.parent.map(|parent| parent.to_string()).unwrap_or_default(),
            presented.generation.to_string(),
            presented.generation.saturating_sub(1).to_string(),
            presented.issued_at.to_string(),
            micros(now + rules.idle_ttl),
            millis(rules.idle_ttl + KEPT_AFTER_EXPIRY),
        ];
        let read = |record| record::session(user, session, &record).map(Box::new);
        let outcome = within_deadline(async {
            Ok(match script::REFRESH.run(&self.redis, &keys, &arguments).await? {
                Answer::Revoked(RevokedReason::Reuse) => RefreshOutcome::Refused(Refusal::TokenReused),
                Answer::Gone | Answer::Revoked(_) => RefreshOutcome::Refused(Refusal::LoginRequired),
                Answer::Reuse(record) => {
                    self.log.add(vec![Revoked::Session(session)], None, now).await?;
                    if self.change(user, session, &FieldChange::end(now, RevokedReason::Reuse)).await? {
                        RefreshOutcome::Reuse(read(record)?)
                    } else {
                        // Somebody else has ended it meanwhile.
                        RefreshOutcome::Refused(Refusal::TokenReused)
                    }
                }
                Answer::Granted { rotation, rolled_back, record } => {
                    RefreshOutcome::Granted { session: read(record)?, rotation, rolled_back }
                }
                Answer::Damaged => return Err(StoreError::Inconsistent(keys::session(user, session))),
                _ => return Err(script::REFRESH.not_understood()),
            })
        })
        .await?;
        if matches!(outcome, RefreshOutcome::Reuse(_))
            && let Err(error) = self.on_disk(user).await
        {
            // It happened all the same, and must be told.
            tracing::warn!(%error, %session, "the end of a session may not have reached the disk");
        }
        Ok(outcome)
    }

    async fn visit(
        &self,
        user: UserId,
        session: SessionId,
        presented: &SecretHash,
        now: Timestamp,
        idle_ttl: Duration,
    ) -> Result<Option<Session>, StoreError> {
        let arguments = [
            micros(now),
            record::secret(presented),
            micros(now + idle_ttl),
            noted_every(idle_ttl).as_micros().to_string(),
            millis(idle_ttl + KEPT_AFTER_EXPIRY),
        ];
        self.present(&script::VISIT, user, session, &arguments).await
    }

    async fn renew_secret(
        &self,
        user: UserId,
        session: SessionId,
        presented: &SecretHash,
        new: &SecretHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let arguments = [micros(now), record::secret(presented), record::secret(new)];
        let renewed = self.present(&script::RENEW, user, session, &arguments).await?.is_some();
        if renewed {
            self.on_disk(user).await?;
        }
        Ok(renewed)
    }

    async fn find(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        within_deadline(async { Ok(self.read(user, &[session], now).await?.pop()) }).await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        within_deadline(async {
            let ids = self.index(user).await?;
            let mut sessions = self.read(user, &ids, now).await?;
            sessions.sort_by_key(|session| (session.created_at, session.id));
            sessions.reverse();
            Ok(sessions)
        })
        .await
    }

    async fn reauthenticated(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<bool, StoreError> {
        let noted = FieldChange::new(now, vec![record::authenticated_at(now)]);
        within_deadline(self.change(user, session, &noted)).await
    }

    async fn revoke(
        &self,
        user: UserId,
        session: SessionId,
        reason: RevokedReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ended = within_deadline(async {
            // One that cannot be understood is announced as well: its access tokens may be good still.
            if matches!(self.read(user, &[session], now).await, Ok(alive) if alive.is_empty()) {
                return Ok(false);
            }
            self.log.add(vec![Revoked::Session(session)], None, now).await?;
            self.change(user, session, &FieldChange::end(now, reason)).await
        })
        .await?;
        self.on_disk(user).await?;
        Ok(ended)
    }

    async fn begun_before(&self, instant: Timestamp, now: Timestamp) -> Result<Vec<(UserId, SessionId)>, StoreError> {
        let mut begun = Vec::new();
        let mut scan = self.redis.scan(keys::ANY_SESSION);
        while let Some(page) = within_deadline(async { Ok(scan.next_page().await?) }).await? {
            for (user, id) in page.iter().filter_map(|key| keys::session_at(key)) {
                match within_deadline(self.read(user, &[id], now)).await {
                    Ok(alive) => {
                        begun.extend(alive.iter().any(|session| session.created_at < instant).then_some((user, id)));
                    }
                    Err(StoreError::Inconsistent(place)) => {
                        tracing::error!(place, "the record of a session cannot be understood");
                    }
                    Err(unavailable) => return Err(unavailable),
                }
            }
        }
        // A scan may name a key twice.
        begun.sort_unstable();
        begun.dedup();
        Ok(begun)
    }

    async fn apply(&self, pending: &PendingEffect, now: Timestamp) -> Result<(), StoreError> {
        let PendingEffect { user, epoch, .. } = *pending;
        within_deadline(async {
            let sessions = self.raise(user, epoch).await?;
            match &pending.effect {
                Effect::EndSessions { reason, except } => {
                    let (kept, ended): (Vec<_>, Vec<_>) = sessions.into_iter().partition(|id| Some(*id) == *except);
                    let keep = FieldChange::new(now, vec![record::epoch(epoch)]).of_older_than(epoch);
                    self.change_older(user, &kept, &keep).await?;
                    let mut end = FieldChange::end(now, (*reason).into()).of_older_than(epoch);
                    if *reason == EndReason::UserDeleted {
                        end.fields.extend(record::nowhere());
                    }
                    self.end_older(user, &ended, &end, epoch).await
                }
                Effect::SetRoles { roles } => {
                    let fields = vec![record::roles(roles), record::epoch(epoch)];
                    self.change_older(user, &sessions, &FieldChange::new(now, fields).of_older_than(epoch)).await
                }
            }
        })
        .await?;
        self.on_disk(user).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        within_deadline(async { Ok(self.redis.send(&redis::cmd("PING")).await.map(drop)?) }).await
    }
}

/// What is written to sessions that are alive at `now`.
struct FieldChange {
    now: Timestamp,
    newer_epoch: Option<i64>,
    ends: bool,
    fields: Fields,
}

impl FieldChange {
    fn new(now: Timestamp, fields: Fields) -> Self {
        Self { now, newer_epoch: None, ends: false, fields }
    }

    fn end(now: Timestamp, reason: RevokedReason) -> Self {
        Self { ends: true, ..Self::new(now, vec![record::revoked(reason)]) }
    }

    /// Sessions of this epoch and newer ones are left alone.
    fn of_older_than(self, epoch: i64) -> Self {
        Self { newer_epoch: Some(epoch), ..self }
    }

    fn arguments(&self) -> Vec<String> {
        let epoch = self.newer_epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
        let ends = if self.ends { "yes" } else { "no" };
        let fields = flattened(self.fields.clone());
        [micros(self.now), epoch, ends.to_owned()].into_iter().chain(fields).collect()
    }
}

/// The mode that is counted apart, or nothing for all others.
fn counted_as(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Refreshed => "",
        SessionKind::AccessOnly => Mode::AccessOnly.as_str(),
    }
}

fn flattened(fields: Fields) -> impl Iterator<Item = String> {
    fields.into_iter().flat_map(|(field, content)| [field.name().to_owned(), content])
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
