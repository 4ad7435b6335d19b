//! The use cases. They take the ports, the clock and chance, and give back values of the domain.

mod activity;
mod notes;
mod shares;

pub use activity::{Activities, ActivityError, NextService};
pub use notes::{NoteError, Notes};
pub use shares::{ShareError, Shares};
