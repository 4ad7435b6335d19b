//! SQLite and Postgres behind one connection type, asked from threads of their own.
//!
//! A service holds a [`DatabaseUrl`], brings its tables up to date with [`Schema::migrate`], opens [`Sql`] and hands it
//! closures:
//!
//! ```no_run
//! # use common::sql::{DatabaseUrl, Sql, SqlError};
//! # use diesel::prelude::*;
//! # diesel::table! { notes (id) { id -> Text, title -> Text } }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url: DatabaseUrl = "sqlite:data/notes.db".parse()?;
//! let sql = Sql::open(&url, "notes")?;
//! let titles: Vec<String> = sql.read(|conn| Ok(notes::table.select(notes::title).load(conn)?)).await?;
//! sql.write(|conn| {
//!     diesel::insert_into(notes::table).values((notes::id.eq("1"), notes::title.eq("one"))).execute(conn)?;
//!     Ok(())
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! Every call answers within [`TIME_LIMIT`], also when the database hangs. What both databases understand is small: no
//! `ON CONFLICT`, no `FOR UPDATE`; integers, floats, text, binary and booleans. Hence times are `BIGINT` microseconds,
//! ids are hyphenated `TEXT`, and JSON is `TEXT`.

mod any_connection;
mod at_leisure;
mod connector;
mod error;
mod pool;
mod postgres;
mod prepare;
mod schema;
mod sqlite;
mod url;

pub use any_connection::{AnyBackend, AnyConnection};
pub use at_leisure::at_leisure;
pub use error::SqlError;
pub use pool::{Sql, TIME_LIMIT};
pub use prepare::Prepared;
pub use schema::{MigrateError, Schema};
pub use url::{DatabaseUrl, InvalidDatabaseUrl};

// Named so that they are linked: the C libraries that diesel's own bindings expect.
use libsqlite3_sys as _;
use openssl_sys as _;
use pq_sys as _;
