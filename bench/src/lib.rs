//! What the driver and the floor have in common.

pub mod rotation;
