//! Tests from outside: the stores against their contract, the service over HTTP, with stores that fail or are killed,
//! behind the real gateway, and the binary as a process.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test reports by panicking")]

/// insta's, also where the same line is reached once for each backend in one process: `cargo test` has only one.
macro_rules! assert_snapshot {
    ($value:expr, @$snapshot:literal) => {{
        let value = &$value;
        insta::allow_duplicates! { insta::assert_snapshot!(value, @$snapshot) }
    }};
}

mod api;
mod crashes;
mod faults;
mod gateway;
#[path = "../../../common/tests/interop/peer.rs"]
mod peer;
mod process;
mod signing_keys;
mod stores;
mod support;
