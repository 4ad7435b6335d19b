//! The contract of the session store, held by every store alike.

mod cluster;
mod effects;
pub mod fixture;
mod lifecycle;
mod model;
mod races;
mod redis;
mod refresh;
mod sentinel;
