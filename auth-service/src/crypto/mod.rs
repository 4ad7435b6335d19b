//! Signing and hashing: what the use cases need of cryptography.

pub mod access_tokens;
pub mod bcrypt_pool;
pub mod refresh_tokens;
