//! The database at start: migrated, or checked, or waited for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use super::{
    schema::{MigrateError, Schema},
    url::DatabaseUrl,
};

/// Between two attempts to reach a database that is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether the database has been migrated or checked: it may answer before it has. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prepared(Arc<AtomicBool>);

impl Prepared {
    /// Whether it has.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Schema {
    /// Migrates the database, or only checks it. One that is away is tried again by one of `tasks`, for as long as it
    /// takes: what needs no database must not wait for it.
    pub async fn prepare(
        &'static self,
        url: &DatabaseUrl,
        migrate: bool,
        tasks: &mut JoinSet<()>,
    ) -> Result<Prepared, MigrateError> {
        let prepared = Prepared(Arc::new(AtomicBool::new(false)));
        match self.attempt(url, migrate).await {
            Ok(()) => prepared.0.store(true, Ordering::Release),
            Err(MigrateError::Unavailable(error)) => {
                tracing::warn!(error, "the database is away; it will be prepared when it is back");
                tasks.spawn(self.keep_trying(url.clone(), migrate, prepared.clone()));
            }
            Err(error) => return Err(error),
        }
        Ok(prepared)
    }

    async fn keep_trying(&'static self, url: DatabaseUrl, migrate: bool, prepared: Prepared) {
        loop {
            sleep(PAUSE).await;
            match self.attempt(&url, migrate).await {
                Ok(()) => return prepared.0.store(true, Ordering::Release),
                Err(MigrateError::Unavailable(_)) => {}
                Err(error) => return tracing::error!(%error, "the database cannot be used"),
            }
        }
    }

    async fn attempt(&'static self, url: &DatabaseUrl, migrate: bool) -> Result<(), MigrateError> {
        let url = url.clone();
        let work = move || {
            if !migrate {
                return self.check(&url);
            }
            let applied = self.migrate(&url)?;
            if !applied.is_empty() {
                tracing::info!(?applied, "migrated");
            }
            Ok(())
        };
        let outcome = tokio::task::spawn_blocking(work).await;
        outcome.unwrap_or_else(|_| Err(MigrateError::Failed("the migration panicked".to_owned())))
    }
}
