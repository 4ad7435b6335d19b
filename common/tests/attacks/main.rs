//! Forged tokens: a corpus of single defects, keys that are too weak or of the wrong kind, and random forgeries.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod corpus;
mod fixture;
mod forgery;
mod fuzz;
mod keys;
mod reference;
