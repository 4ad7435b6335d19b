//! Users and sessions in SQLite or Postgres.

mod epochs;
mod failure;
mod invites;
mod migrations;
mod names;
mod outbox;
mod refresh;
mod schema;
mod session_row;
mod sessions;
mod user_row;
mod users;

pub use migrations::SCHEMA;
pub use sessions::SqlSessions;
pub use users::SqlUsers;
