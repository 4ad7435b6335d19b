//! The public keys of auth-service, fetched and kept up to date: with them a service can verify tokens and never mint
//! one.
//!
//! `JwksClient` fetches `/.well-known/jwks.json`, hands the keys to the verifier's [`Keys`](crate::verifier::Keys),
//! and fetches again before what it has is older than auth-service allows; at once, but not more than once a minute,
//! when a token names a key that is not known yet. What was fetched last stays in force while auth-service is away.

#[cfg(feature = "jwks")]
mod client;
mod document;
#[cfg(feature = "jwks")]
mod fetch;
#[cfg(feature = "jwks")]
mod schedule;

#[cfg(feature = "jwks")]
pub use client::{JwksClient, JwksOptions};
pub use document::{DocumentError, MAX_KEYS, read as read_document};
#[cfg(feature = "jwks")]
pub use fetch::MAX_BODY_BYTES;
pub use jsonwebtoken::Algorithm;
#[cfg(feature = "jwks")]
pub use reqwest::Url;
