//! Users, sessions, clients, the throttle and the audit trail in SQLite or Postgres.

mod announcements;
mod assertions;
mod audit;
mod client_row;
mod clients;
mod compare_and_swap;
mod deleted_users;
mod epochs;
mod facts;
mod failure;
mod import;
mod invites;
mod keys;
mod migrations;
mod names;
mod outbox;
mod refresh;
mod revocations;
mod schema;
mod session_row;
mod session_secrets;
mod sessions;
mod throttle;
mod user_row;
mod users;

pub use announcements::SqlAnnouncements;
pub use audit::SqlAudit;
pub use clients::SqlClients;
pub use facts::database_facts;
pub use import::import_users;
pub use keys::SqlKeys;
pub use migrations::SCHEMA;
pub use revocations::SqlRevocations;
pub use sessions::SqlSessions;
pub use throttle::SqlThrottle;
pub use users::SqlUsers;
