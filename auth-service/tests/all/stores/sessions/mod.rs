//! The contract of the session store, held by every store alike.

mod begun_before;
mod bound;
mod cluster;
mod disk;
mod effects;
pub mod fixture;
mod histories;
mod lifecycle;
mod model;
mod races;
mod redis;
mod refresh;
mod secrets;
mod sentinel;
