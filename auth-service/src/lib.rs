//! The auth-service: checks passwords, issues access and refresh tokens, keeps the refresh sessions.
//!
//! Layers are folders, and the arrows only point down: [`app`] builds, [`http`] speaks, [`service`] has one file a use
//! case, [`domain`] holds the rules, [`ports`] says what is needed, [`storage`] and [`crypto`] provide it.

pub mod app;
pub mod background;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod http;
pub mod ports;
pub mod service;
pub mod storage;
