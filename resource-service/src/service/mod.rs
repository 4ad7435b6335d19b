//! The use cases. They take the ports, the clock and chance, and give back values of the domain.

mod notes;

pub use notes::{NoteError, Notes};
