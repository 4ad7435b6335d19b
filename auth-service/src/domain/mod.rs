//! Plain types and the rules on them. No I/O, no HTTP, no SQL, no Redis: what is decided here can be read on its own.

pub mod audit;
pub mod client;
pub mod client_secret;
pub mod cookie_size;
pub mod device;
pub mod diagnosis;
pub mod effect;
pub mod exchange;
mod handed_out;
pub mod ids;
pub mod invite;
pub mod name_prefix;
pub mod network;
pub mod password;
pub mod revocation;
pub mod session;
pub mod session_cookie;
pub mod session_secret;
pub mod signing_key;
pub mod signing_key_rules;
pub mod throttle;
pub mod user;
