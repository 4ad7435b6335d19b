//! Changes to a user, and what they mean for the user's sessions: committed together, applied at once or later.

use super::{Deps, Trouble, audit};
use crate::{
    domain::{audit::AuditEvent, effect::Effect, ids::UserId},
    ports::{Change, Clock, SessionStore, StoreError, UserStore},
};

/// How many effects one round of the worker takes.
const BATCH: u32 = 100;

/// When the sessions follow a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applied {
    /// They have.
    Now,
    /// As soon as the session store can be reached.
    Later,
}

/// A change that has been committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The user's epoch from this change on.
    pub epoch: i64,
    /// When the sessions follow.
    pub applied: Applied,
}

/// Commits a change with its effect and what the audit trail says of it, then applies all effects on the user that are
/// waiting. `None` when there is no such user, or the password was not the expected one any more.
pub async fn change_and_apply(
    deps: &Deps,
    user: UserId,
    change: &Change,
    effect: &Effect,
    event: AuditEvent,
) -> Result<Option<Changed>, Trouble> {
    let now = deps.clock.now();
    let Some(committed) = deps.users.change(user, change, effect, &event, now).await? else {
        return Ok(None);
    };
    audit::log(&event);
    let applied = apply_now(&*deps.users, &*deps.sessions, &*deps.clock, user).await;
    Ok(Some(Changed { epoch: committed.epoch, applied }))
}

/// Applies all effects on `user` that are waiting, if the session store can be reached.
pub(super) async fn apply_now(
    users: &dyn UserStore,
    sessions: &dyn SessionStore,
    clock: &dyn Clock,
    user: UserId,
) -> Applied {
    match apply_waiting(users, sessions, clock, user).await {
        Ok(()) => Applied::Now,
        Err(error) => {
            tracing::warn!(%user, %error, "the change is committed; the sessions will follow");
            Applied::Later
        }
    }
}

/// In order: an older effect that waits comes first.
async fn apply_waiting(
    users: &dyn UserStore,
    sessions: &dyn SessionStore,
    clock: &dyn Clock,
    user: UserId,
) -> Result<(), StoreError> {
    for effect in users.pending_effects_of(user).await? {
        sessions.apply(&effect, clock.now()).await?;
        users.effect_applied(effect.id).await?;
    }
    Ok(())
}

/// Applies what waits in the outbox, in order, and stops at the first failure. Returns how many were applied.
pub async fn apply_pending(
    users: &dyn UserStore,
    sessions: &dyn SessionStore,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let effects = users.pending_effects(BATCH).await?;
    for effect in &effects {
        sessions.apply(effect, clock.now()).await?;
        users.effect_applied(effect.id).await?;
    }
    Ok(effects.len())
}
