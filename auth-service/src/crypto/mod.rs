//! Signing and hashing: what the use cases need of cryptography.

pub mod access_tokens;
mod bcrypt_places;
pub mod bcrypt_pool;
pub mod client_assertions;
pub mod csrf;
pub mod jws;
pub mod master_key;
pub mod open_keys;
pub mod refresh_tokens;
pub mod renewed_cookies;
pub mod signing_pair;
