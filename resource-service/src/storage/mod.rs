//! The store behind the port.

pub mod schema;
pub mod sql;
