//! The public keys of auth-service, fetched and kept up to date: with them a service can verify tokens and never mint
//! one.
//!
//! [`JwksClient`] fetches `/.well-known/jwks.json`, hands the keys to the verifier's [`Keys`](crate::verifier::Keys),
//! and fetches again before what it has is older than auth-service allows; at once, but not more than once a minute,
//! when a token names a key that is not known yet. What was fetched last stays in force while auth-service is away.

mod client;
mod document;
mod fetch;
mod schedule;

pub use client::{JwksClient, JwksOptions};
pub use document::{DocumentError, MAX_KEYS};
pub use fetch::MAX_BODY_BYTES;
pub use jsonwebtoken::Algorithm;
pub use reqwest::Url;
