//! What commands print: lines for people, or JSON for scripts.

use serde::Serialize;

use super::Failure;

/// A line for people.
#[expect(clippy::print_stdout, reason = "the output of a command")]
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// One JSON document.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(&serde_json::to_string_pretty(value).map_err(|error| Failure::Input(error.to_string()))?);
    Ok(())
}
