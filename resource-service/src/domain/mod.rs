//! Plain types and the rules on them.

pub mod note;
pub mod page;
