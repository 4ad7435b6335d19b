//! Tests from outside: the stores against their contract, the service over HTTP, the binary as a process.

mod stores;
mod support;
