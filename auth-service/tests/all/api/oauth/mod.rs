//! `/oauth/…`, one file a standard.

mod authentication;
mod client_credentials;
mod exchange;
mod introspection;
mod metadata;
mod refresh_token;
mod revocation;
