//! What auth-service has revoked, mirrored in memory: a service that has this refuses a token of a session that is over
//! within moments, and asks nobody.
//!
//! [`Mirror`] is what a [`Verifier`](crate::verifier::Verifier) asks on every request; [`Follower`] keeps it up by a
//! long poll of auth-service's feed. While auth-service is away the mirror goes on with what it knows, or refuses
//! everybody after a while: [`WhenStale`] says which.

mod follower;
mod live;
mod mirror;
mod settings;
mod state_file;

pub use follower::Follower;
pub use live::Entry;
pub use mirror::{Mirror, Policy, WhenCold, WhenStale};
pub use settings::{REVOCATION, RevocationSettings};
