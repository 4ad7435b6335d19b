//! What is printed, and nothing else prints: results on standard output, failures on standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is there to be read")]

use crate::failure::Failure;

/// One line, or several, as they are.
pub fn line(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
}

/// What the services have complained of, if anything.
pub fn complaints(text: &str) {
    if !text.is_empty() {
        eprintln!("The last warnings and errors of the services:\n{text}");
    }
}

/// The last word.
pub fn failure(failure: &Failure) {
    eprintln!("error: {failure}");
}
