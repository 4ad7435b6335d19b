//! The database at start: migrated, or checked, or waited for.

use std::{future::Future, time::Duration};

use common::sql::{DatabaseUrl, MigrateError};
use tokio::time::sleep;

use super::sql::SCHEMA;

/// Between two attempts to reach a database that is away.
const PAUSE: Duration = Duration::from_secs(1);

/// The database needs a person.
#[derive(Debug, thiserror::Error)]
#[error("AUTH_DATABASE_URL: {0}")]
pub struct SchemaError(MigrateError);

/// Migrates the database, or only checks it. One that is away is tried again by the future that comes back: sessions may
/// be elsewhere, and whoever has one must not wait for the database.
pub async fn prepare(
    url: &DatabaseUrl,
    migrate: bool,
) -> Result<Option<impl Future<Output = ()> + Send + 'static>, SchemaError> {
    match attempt(url, migrate).await {
        Ok(()) => Ok(None),
        Err(MigrateError::Unavailable(error)) => {
            tracing::warn!(error, "the database is away; it will be prepared when it is back");
            Ok(Some(keep_trying(url.clone(), migrate)))
        }
        Err(error) => Err(SchemaError(error)),
    }
}

async fn keep_trying(url: DatabaseUrl, migrate: bool) {
    loop {
        sleep(PAUSE).await;
        match attempt(&url, migrate).await {
            Ok(()) => return,
            Err(MigrateError::Unavailable(_)) => {}
            Err(error) => {
                tracing::error!(%error, "the database cannot be used");
                return;
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
