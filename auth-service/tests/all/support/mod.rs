//! What the tests stand on: real servers, the service on a free port, a client.

pub mod answer;
pub mod browser;
pub mod child;
pub mod client;
pub mod database;
pub mod gateway;
pub mod held;
pub mod postgres;
pub mod redis;
pub mod service;
pub mod token;
pub mod wait;
