//! The service from outside: over HTTP on ports that nobody else has, and as a program.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what surprises a test fails it, also in what it stands on"
)]

mod access;
mod bad_input;
mod bad_tokens;
mod configuration;
mod cross_origin;
mod documentation;
mod encrypted_tokens;
mod management;
mod migrations;
mod notes;
mod paging;
#[path = "../../../common/tests/interop/peer.rs"]
mod peer;
mod program;
mod shares;
mod stats;
mod store_away;
mod support;
mod whoami;
