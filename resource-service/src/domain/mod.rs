//! Plain types and the rules on them.

pub mod activity;
pub mod note;
pub mod page;
pub mod share;
