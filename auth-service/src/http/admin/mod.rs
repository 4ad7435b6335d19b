//! What administrators see and do.

pub mod audit;
mod audit_query;
pub mod clients;
pub mod keys;
pub mod metrics;
pub mod password;
pub mod users;
