//! The stores behind the ports: users in SQL; sessions in Redis, or in SQL where there is no Redis.

pub mod redis;
pub mod sql;
