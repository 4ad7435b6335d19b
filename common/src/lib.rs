//! What a service needs to trust a Latchkey access token, and nothing that mints one for users.
//!
//! A service that guards its routes builds one [`verifier::Verifier`] from the shared secret and takes
//! [`actix::User`] or [`actix::Guarded`] as an argument of its handlers. Everything else here is what the
//! services of this workspace share: problem documents, settings, log lines, metrics and SQL.

#[cfg(all(feature = "testing", not(debug_assertions)))]
compile_error!("the feature `testing` mints tokens; it must not be part of a release build");

pub mod clock;

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "verifier")]
pub mod browser;
#[cfg(feature = "verifier")]
pub mod claims;
#[cfg(feature = "context")]
pub mod context;
#[cfg(feature = "revocation")]
pub mod deletions;
#[cfg(feature = "env")]
pub mod env;
#[cfg(feature = "verifier")]
pub mod jwe;
#[cfg(feature = "verifier")]
pub mod jwk;
#[cfg(feature = "verifier")]
pub mod jwks;
#[cfg(any(feature = "jwks", feature = "otlp", feature = "service-client"))]
pub mod outbound;
#[cfg(feature = "problem")]
pub mod problem;
#[cfg(feature = "revocation")]
pub mod revocation;
#[cfg(feature = "verifier")]
pub mod rng;
#[cfg(feature = "verifier")]
pub mod scope;
#[cfg(feature = "verifier")]
pub mod secret;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "service-client")]
pub mod service_client;
#[cfg(feature = "server")]
pub mod settings;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "threads")]
pub mod threads;
#[cfg(feature = "verifier")]
pub mod verifier;

/// The examples of `docs/integrating.md`, so that they compile.
#[cfg(all(doctest, feature = "actix", feature = "jwks", feature = "revocation"))]
#[doc = include_str!("../../docs/integrating.md")]
struct Integrating;
