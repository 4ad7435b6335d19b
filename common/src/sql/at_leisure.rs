//! One long transaction, for a command that nobody waits behind.

use std::time::{Duration, Instant};

use super::{
    AnyConnection, DatabaseUrl, SqlError,
    connector::{Pooled, Purpose, connect},
    pool::transaction,
};

/// Longer than anybody waits.
const LONG: Duration = Duration::from_hours(24);

/// Runs `job` in a transaction on a connection of its own, without the time limit of [`Sql`](super::Sql). Blocks.
pub fn at_leisure<T>(
    url: &DatabaseUrl,
    job: impl Fn(&mut AnyConnection) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let connection = connect(url, Purpose::Migrating).map_err(|error| SqlError::Unavailable(error.0))?;
    transaction(&mut Pooled { connection, dead: false }, Instant::now() + LONG, &job).map_err(SqlError::settled)
}
