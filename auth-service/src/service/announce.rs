//! Carries into the revocation log what commands have revoked in the database.

use crate::ports::{Announcements, Clock, RevocationLog, StoreError};

/// How many announcements one round takes.
const BATCH: u32 = 100;

/// Announces what waits, in order, and stops at the first failure. Returns how many were announced. A crash in between
/// announces one twice, which does no harm.
pub async fn announce_pending(
    announcements: &dyn Announcements,
    log: &dyn RevocationLog,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let pending = announcements.pending(BATCH).await?;
    for announcement in &pending {
        log.append(vec![announcement.revoked.clone()], announcement.before, clock.now()).await?;
        announcements.announced(announcement.id).await?;
    }
    Ok(pending.len())
}
