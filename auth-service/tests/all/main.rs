//! Tests from outside: the stores against their contract, the service over HTTP, with stores that fail, behind the real
//! gateway, and the binary as a process.

mod api;
mod faults;
mod gateway;
mod process;
mod stores;
mod support;
