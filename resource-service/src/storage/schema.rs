//! The database at start: migrated, or checked, or waited for.

use std::{future::Future, time::Duration};

use common::sql::{DatabaseUrl, MigrateError};
use tokio::time::sleep;

use super::sql::SCHEMA;

/// Between two attempts to reach a database that is away.
const PAUSE: Duration = Duration::from_secs(1);

/// The database needs a person.
#[derive(Debug, thiserror::Error)]
#[error("RESOURCE_DATABASE_URL: {0}")]
pub struct SchemaError(MigrateError);

/// Migrates the database, or only checks it. One that is away is tried again by the future that comes back, because what
/// needs no database must not wait for it; the future says whether the database can be used then.
pub async fn prepare(
    url: &DatabaseUrl,
    migrate: bool,
) -> Result<Option<impl Future<Output = bool> + Send + 'static>, SchemaError> {
    match attempt(url, migrate).await {
        Ok(()) => Ok(None),
        Err(MigrateError::Unavailable(error)) => {
            tracing::warn!(error, "the database is away; it will be prepared when it is back");
            Ok(Some(keep_trying(url.clone(), migrate)))
        }
        Err(error) => Err(SchemaError(error)),
    }
}

async fn keep_trying(url: DatabaseUrl, migrate: bool) -> bool {
    loop {
        sleep(PAUSE).await;
        match attempt(&url, migrate).await {
            Ok(()) => return true,
            Err(MigrateError::Unavailable(_)) => {}
            Err(error) => {
                tracing::error!(%error, "the database cannot be used");
                return false;
            }
        }
    }
}

async fn attempt(url: &DatabaseUrl, migrate: bool) -> Result<(), MigrateError> {
    let url = url.clone();
    let work = move || {
        if !migrate {
            return SCHEMA.check(&url);
        }
        let applied = SCHEMA.migrate(&url)?;
        if !applied.is_empty() {
            tracing::info!(?applied, "migrated");
        }
        Ok(())
    };
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|_| Err(MigrateError::Failed("the migration panicked".to_owned())))
}
