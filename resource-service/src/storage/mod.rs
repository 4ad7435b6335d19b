//! The store behind the port.

pub mod sql;
