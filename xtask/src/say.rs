//! What the tasks print, and nothing else prints: progress and results on standard output, failures on standard error.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the person at the terminal is what a task is for"
)]

use std::time::{Duration, Instant};

use crate::Failure;

/// One line, or several, as they are.
pub fn line(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
}

/// Something the reader ought to know, although the task goes on.
pub fn note(text: impl AsRef<str>) {
    println!("note: {}", text.as_ref());
}

pub fn failure(failure: &Failure) {
    eprintln!("error: {failure}");
}

/// Announces a step now and prints what it took when it is done; a step that fails is closed by its failure alone.
pub fn step<T>(title: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("==> {title}");
    let begun = Instant::now();
    let result = work()?;
    println!("    done in {}", seconds(begun.elapsed()));
    Ok(result)
}

pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
