//! What goes on beside the requests.

use std::{fmt::Display, sync::Arc, time::Duration};

use common::clock::Timestamp;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    config::AuditRetention,
    crypto::access_tokens::AccessTokens,
    ports::{Clock, SessionStore, StoreError, UserStore},
    service::{effects::apply_pending, signing_keys::KeyKeeper},
    storage::sql::{SqlAudit, SqlSessions, SqlUsers},
};

/// How long a committed change waits for its sessions when the request itself could not see to it.
const OUTBOX_PAUSE: Duration = Duration::from_millis(500);

/// Far less than [`NOTICE`](crate::domain::signing_key::NOTICE), before which nothing that is decided takes effect.
const KEYS_PAUSE: Duration = Duration::from_millis(500);

const SWEEP_PAUSE: Duration = Duration::from_mins(1);
const SWEEP_BATCH: u32 = 500;

/// Between two batches, so that others who wait for SQLite's one lock get it.
const BATCH_PAUSE: Duration = Duration::from_millis(50);

/// Applies what waits in the outbox, for ever. Several replicas may do so at once.
pub async fn apply_effects(users: Arc<dyn UserStore>, sessions: Arc<dyn SessionStore>, clock: Arc<dyn Clock>) {
    let mut ticks = interval(OUTBOX_PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let applied = apply_pending(&*users, &*sessions, &*clock).await;
        if let Ok(count @ 1..) = applied {
            tracing::info!(count, "sessions follow what waited in the outbox");
        }
        failing = log_change(failing, applied.as_ref().err(), "applying the outbox");
    }
}

/// Reads the signing keys and does what is due on them, for ever. Several replicas may do so at once. `aligned`: what
/// has to be done once at the start has been done.
pub async fn keep_signing_keys(keeper: KeyKeeper, access_tokens: Arc<AccessTokens>, mut aligned: bool) {
    let mut ticks = interval(KEYS_PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = !aligned;
    loop {
        ticks.tick().await;
        let kept = if aligned { keeper.keep().await } else { keeper.align().await };
        let kept = kept.and_then(|keys| Ok(access_tokens.adopt(&keys)?));
        aligned |= kept.is_ok();
        failing = log_change(failing, kept.as_ref().err(), "keeping the signing keys");
    }
}

/// Deletes expired sessions, and what the revocation log need not say any more, where the store does not do so by
/// itself: a small batch at a time.
pub async fn sweep_sessions(sessions: SqlSessions, clock: Arc<dyn Clock>) {
    let mut ticks = interval(SWEEP_PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        failing = log_change(failing, sweep(&sessions, &*clock).await.as_ref().err(), "sweeping expired sessions");
    }
}

async fn sweep(sessions: &SqlSessions, clock: &dyn Clock) -> Result<(), StoreError> {
    while sessions.sweep(clock.now(), SWEEP_BATCH).await? == SWEEP_BATCH as usize {
        sleep(BATCH_PAUSE).await;
    }
    let log = sessions.log();
    while log.sweep(clock.now(), SWEEP_BATCH).await? == SWEEP_BATCH as usize {
        sleep(BATCH_PAUSE).await;
    }
    Ok(())
}

/// Deletes invitations that nobody can use any more, a small batch at a time.
pub async fn sweep_invites(users: SqlUsers, clock: Arc<dyn Clock>) {
    let mut ticks = interval(SWEEP_PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let swept = forget_invites(&users, &*clock).await;
        failing = log_change(failing, swept.as_ref().err(), "sweeping expired invitations");
    }
}

async fn forget_invites(users: &SqlUsers, clock: &dyn Clock) -> Result<(), StoreError> {
    while users.sweep_invites(clock.now(), SWEEP_BATCH).await? == SWEEP_BATCH as usize {
        sleep(BATCH_PAUSE).await;
    }
    Ok(())
}

/// Forgets what the audit trail has kept for long enough, a small batch at a time.
pub async fn sweep_audit(audit: SqlAudit, retention: AuditRetention, clock: Arc<dyn Clock>) {
    let mut ticks = interval(SWEEP_PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let swept = forget(&audit, retention, clock.now()).await;
        failing = log_change(failing, swept.as_ref().err(), "forgetting old audit events");
    }
}

async fn forget(audit: &SqlAudit, retention: AuditRetention, now: Timestamp) -> Result<(), StoreError> {
    while audit.forget(now - retention.events, SWEEP_BATCH).await? == SWEEP_BATCH as usize {}
    while audit.erase_addresses(now - retention.addresses, SWEEP_BATCH).await? == SWEEP_BATCH as usize {}
    Ok(())
}

/// A store that is away is logged when it goes and when it comes back, not twice a second.
fn log_change(was_failing: bool, error: Option<&impl Display>, what: &str) -> bool {
    match (error, was_failing) {
        (Some(error), false) => tracing::warn!(%error, "{what} fails"),
        (None, true) => tracing::info!("{what} works again"),
        _ => {}
    }
    error.is_some()
}
