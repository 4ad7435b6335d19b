//! One connection type for both databases. Never `establish` it: the derived method tries one database after the
//! other and throws their errors away; `connector` picks the variant by the URL's scheme.

use diesel::{pg::PgConnection, sqlite::SqliteConnection};

/// A connection to Postgres or to SQLite.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// To Postgres.
    Postgres(PgConnection),
    /// To SQLite.
    Sqlite(SqliteConnection),
}

/// What both databases understand, for `#[diesel(check_for_backend(AnyBackend))]`.
pub type AnyBackend = MultiBackend;
