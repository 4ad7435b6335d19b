//! What goes on beside the requests.

use std::{fmt::Display, sync::Arc, time::Duration};

use common::clock::Timestamp;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use crate::{
    config::AuditRetention,
    crypto::access_tokens::AccessTokens,
    ports::{Announcements, Clock, RevocationLog, SessionStore, StoreError, UserStore},
    service::{
        announce::announce_pending, effects::apply_pending, revoked_tokens::RevokedTokens, signing_keys::KeyKeeper,
    },
    storage::sql::{SqlAudit, SqlClients, SqlSessions, SqlThrottle, SqlUsers},
};

/// How long a committed change waits for its sessions when the request itself could not see to it.
const OUTBOX_PAUSE: Duration = Duration::from_millis(500);

/// How long a revoked client or key waits before it is announced: one look at a table that is nearly always empty.
const ANNOUNCE_PAUSE: Duration = Duration::from_millis(250);

/// How long a token that was revoked at one replica may be good at another.
const REVOKED_PAUSE: Duration = Duration::from_millis(250);

/// Far less than [`NOTICE`](crate::domain::signing_key::NOTICE), before which nothing that is decided takes effect.
const KEYS_PAUSE: Duration = Duration::from_millis(500);

const SWEEP_PAUSE: Duration = Duration::from_mins(1);
const SWEEP_BATCH: u32 = 500;

/// Between two batches, so that others who wait for SQLite's one lock get it.
const BATCH_PAUSE: Duration = Duration::from_millis(50);

/// Applies what waits in the outbox, for ever. Several replicas may do so at once.
pub async fn apply_effects(users: Arc<dyn UserStore>, sessions: Arc<dyn SessionStore>, clock: Arc<dyn Clock>) {
    let mut rounds = Rounds::every(OUTBOX_PAUSE, "applying the outbox");
    loop {
        rounds.next().await;
        let applied = apply_pending(&*users, &*sessions, &*clock).await;
        if let Ok(count @ 1..) = applied {
            tracing::info!(count, "sessions follow what waited in the outbox");
        }
        rounds.ended(applied.as_ref().err());
    }
}

/// Announces what commands have revoked, for ever. Several replicas may do so at once.
pub async fn announce(announcements: Arc<dyn Announcements>, log: Arc<dyn RevocationLog>, clock: Arc<dyn Clock>) {
    let mut rounds = Rounds::every(ANNOUNCE_PAUSE, "announcing revocations");
    loop {
        rounds.next().await;
        rounds.ended(announce_pending(&*announcements, &*log, &*clock).await.as_ref().err());
    }
}

/// Reads which single tokens other replicas have revoked, for ever.
pub async fn follow_revoked_tokens(revoked: Arc<RevokedTokens>, log: Arc<dyn RevocationLog>, clock: Arc<dyn Clock>) {
    let mut rounds = Rounds::every(REVOKED_PAUSE, "reading revoked tokens");
    loop {
        rounds.next().await;
        rounds.ended(revoked.follow(&*log, clock.now()).await.as_ref().err());
    }
}

/// Reads the signing keys and does what is due on them, for ever. Several replicas may do so at once. `aligned`: what
/// has to be done once at the start has been done.
pub async fn keep_signing_keys(keeper: KeyKeeper, access_tokens: Arc<AccessTokens>, mut aligned: bool) {
    let mut rounds = Rounds { failing: !aligned, ..Rounds::every(KEYS_PAUSE, "keeping the signing keys") };
    loop {
        rounds.next().await;
        let kept = if aligned { keeper.keep().await } else { keeper.align().await };
        let kept = kept.and_then(|keys| Ok(access_tokens.adopt(&keys)?));
        aligned |= kept.is_ok();
        rounds.ended(kept.as_ref().err());
    }
}

/// Deletes expired sessions and counters, and what the revocation log need not say any more, where the store does not
/// do so by itself: a small batch at a time.
pub async fn sweep_sessions(sessions: SqlSessions, throttle: SqlThrottle, clock: Arc<dyn Clock>) {
    let mut rounds = Rounds::every(SWEEP_PAUSE, "sweeping expired sessions");
    loop {
        rounds.next().await;
        rounds.ended(sweep(&sessions, &throttle, &*clock).await.as_ref().err());
    }
}

/// One that fails keeps none of the others from its turn; the first error is told.
async fn sweep(sessions: &SqlSessions, throttle: &SqlThrottle, clock: &dyn Clock) -> Result<(), StoreError> {
    let log = sessions.log();
    let expired = in_batches(|| sessions.sweep(clock.now(), SWEEP_BATCH)).await;
    let epochs = in_batches(|| sessions.sweep_epochs(clock.now(), SWEEP_BATCH)).await;
    let counters = in_batches(|| throttle.sweep(clock.now(), SWEEP_BATCH)).await;
    let revocations = in_batches(|| log.sweep(clock.now(), SWEEP_BATCH)).await;
    expired.and(epochs).and(counters).and(revocations)
}

/// Deletes invitations that nobody can use any more, a small batch at a time.
pub async fn sweep_invites(users: SqlUsers, clock: Arc<dyn Clock>) {
    let mut rounds = Rounds::every(SWEEP_PAUSE, "sweeping expired invitations");
    loop {
        rounds.next().await;
        rounds.ended(forget_invites(&users, &*clock).await.as_ref().err());
    }
}

/// Forgets what clients have shown that would not be taken any more anyway.
pub async fn sweep_assertions(clients: SqlClients, clock: Arc<dyn Clock>) {
    let mut rounds = Rounds::every(SWEEP_PAUSE, "sweeping expired client assertions");
    loop {
        rounds.next().await;
        rounds.ended(forget_assertions(&clients, &*clock).await.as_ref().err());
    }
}

async fn forget_assertions(clients: &SqlClients, clock: &dyn Clock) -> Result<(), StoreError> {
    in_batches(|| clients.sweep_assertions(clock.now(), SWEEP_BATCH)).await
}

async fn forget_invites(users: &SqlUsers, clock: &dyn Clock) -> Result<(), StoreError> {
    in_batches(|| users.sweep_invites(clock.now(), SWEEP_BATCH)).await
}

/// Forgets what the audit trail has kept for long enough, a small batch at a time.
pub async fn sweep_audit(audit: SqlAudit, retention: AuditRetention, clock: Arc<dyn Clock>) {
    let mut rounds = Rounds::every(SWEEP_PAUSE, "forgetting old audit events");
    loop {
        rounds.next().await;
        rounds.ended(forget(&audit, retention, clock.now()).await.as_ref().err());
    }
}

async fn forget(audit: &SqlAudit, retention: AuditRetention, now: Timestamp) -> Result<(), StoreError> {
    let events = in_batches(|| audit.forget(now - retention.events, SWEEP_BATCH)).await;
    let addresses = in_batches(|| audit.erase_addresses(now - retention.addresses, SWEEP_BATCH)).await;
    events.and(addresses)
}

/// Until a batch is not full any more. After one that is, others come first.
async fn in_batches<F>(batch: impl Fn() -> F) -> Result<(), StoreError>
where
    F: Future<Output = Result<usize, StoreError>>,
{
    while batch().await? == SWEEP_BATCH as usize {
        sleep(BATCH_PAUSE).await;
    }
    Ok(())
}

/// Work that is done again and again. That it fails is logged when that begins and when it is over, not each time.
struct Rounds {
    ticks: Interval,
    what: &'static str,
    failing: bool,
}

impl Rounds {
    fn every(pause: Duration, what: &'static str) -> Self {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, what, failing: false }
    }

    async fn next(&mut self) {
        self.ticks.tick().await;
    }

    fn ended(&mut self, error: Option<&impl Display>) {
        let what = self.what;
        match (error, self.failing) {
            (Some(error), false) => tracing::warn!(%error, "{what} fails"),
            (None, true) => tracing::info!("{what} works again"),
            _ => {}
        }
        self.failing = error.is_some();
    }
}
