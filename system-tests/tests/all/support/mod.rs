//! What the tests stand on.

pub mod collector;
pub mod control;
pub mod counted;
pub mod example;
pub mod peers;
pub mod resource;
pub mod system;

#[path = "../../../../auth-service/tests/all/support/mod.rs"]
#[expect(dead_code, reason = "auth-service's own tests need more of it")]
pub mod auth;
