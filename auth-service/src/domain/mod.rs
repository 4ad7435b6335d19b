//! Plain types and the rules on them. No I/O, no HTTP, no SQL, no Redis: what is decided here can be read on its own.

pub mod audit;
pub mod client;
pub mod device;
pub mod diagnosis;
pub mod effect;
mod handed_out;
pub mod ids;
pub mod invite;
pub mod network;
pub mod password;
pub mod revocation;
pub mod session;
pub mod signing_key;
pub mod signing_key_rules;
pub mod throttle;
pub mod user;
