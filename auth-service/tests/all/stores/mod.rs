//! The contract of the ports, held by every store alike.

mod audit;
mod connections;
mod migrations;
mod revocations;
mod sessions;
mod sql_sessions;
mod throttle;
mod users;
