//! What only holds if both sides do their part: auth-service and resource-service, whole, over HTTP, in one process. The
//! services do not know each other; this is where they meet.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test reports by panicking")]

mod activity;
mod auth_away;
mod browser;
mod clients;
mod cold_start;
mod cookies;
mod deleted;
mod documents;
mod encrypted;
mod examples;
mod gateway;
mod keys;
mod many;
mod missed;
mod openapi;
mod revoked;
mod sharing;
mod support;
mod traces;
