//! Guarding the routes of an actix service, and the answers that every service gives alike.
//!
//! A handler that takes a [`User`] is reached by nobody else:
//!
//! ```
//! use common::{actix::{Guarded, require_scope}, claims::User};
//!
//! require_scope!(ReadNotes, "notes:read");
//!
//! async fn whoami(user: User) -> String {
//!     user.id.to_string()
//! }
//!
//! async fn list(user: Guarded<ReadNotes>) -> String {
//!     format!("the notes of {}", user.id)
//! }
//! ```
//!
//! A service's own token (RFC 6749, section 4.4) opens only what takes a [`Service`], or a [`Principal`], which is
//! either; `Guarded<ReadNotes, Principal>` asks for the scope of both.
//!
//! Where the [`Verifier`](crate::verifier::Verifier) knows the site (`with_site`), front ends that hold their token in a cookie
//! are let in by the same types, once they have shown that the site itself asks: see [`credential`](mod@credential).

pub mod answers;
pub mod bearer;
mod bearer_token;
pub mod cookies;
pub mod credential;
pub mod cross_origin;
pub mod csrf;
mod guarded;
#[cfg(feature = "openapi")]
pub mod refusals;
pub mod resource;

pub use bearer_token::BearerToken;
pub use guarded::{AuthenticatedWithin, Guarded, Refused, Requirement, Verified, authenticated_within};

pub use crate::{
    claims::{Principal, Service, User},
    require_role, require_scope,
};
