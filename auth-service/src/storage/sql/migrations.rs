//! The tables, as the binary carries them.

use common::sql::Schema;
use diesel_migrations::embed_migrations;

/// What `migrate` brings a database to. See `migrations/README.md`.
pub const SCHEMA: Schema = Schema {
    service: "auth-service",
    postgres: embed_migrations!("migrations/postgres"),
    sqlite: embed_migrations!("migrations/sqlite"),
};
