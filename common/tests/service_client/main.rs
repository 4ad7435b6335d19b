//! The client of other services against real servers that answer well, badly, late, or not at all.
//!
//! `support` is the servers and the client; every other module is one promise of the client.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod calls;
mod circuit;
mod exchange;
mod hostile;
mod own_token;
mod retries;
mod support;
