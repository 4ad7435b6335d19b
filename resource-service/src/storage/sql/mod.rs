//! Notes in SQL, the same on both databases.

mod forgotten;
mod note_row;
mod notes;
mod schema;
mod shares;

use common::sql::{Schema, SqlError};
use diesel_migrations::embed_migrations;

pub use forgotten::SqlForgotten;
pub use notes::SqlNotes;
pub use shares::SqlShares;

use crate::ports::StoreError;

/// What `migrate` brings a database to.
pub const SCHEMA: Schema = Schema {
    service: "resource-service",
    postgres: embed_migrations!("migrations/postgres"),
    sqlite: embed_migrations!("migrations/sqlite"),
};

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Inconsistent(place) => Self::Inconsistent(place),
            SqlError::Unavailable(cause) => Self::Unavailable(cause),
            other => Self::Unavailable(other.to_string()),
        }
    }
}
