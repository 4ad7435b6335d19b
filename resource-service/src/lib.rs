//! A notes service: the example of a service that trusts Latchkey's access tokens.
//!
//! What makes it one is small: [`http::access`] names what a route demands, a handler in [`http`] takes it as an
//! argument, and [`app`] makes the verifier from the shared secret. The rest is a service like any other. Layers are
//! folders, and the arrows only point down: [`app`] builds, [`http`] speaks, [`service`] has the use cases, [`domain`]
//! holds the rules, [`ports`] says what is needed, [`storage`] and [`remote`] provide it.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod ports;
pub mod remote;
pub mod service;
pub mod storage;
