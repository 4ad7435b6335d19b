//! What a run was made on: without it, its numbers say nothing.

use std::{fs, num::NonZero, path::Path, process::Command, thread::available_parallelism};

use serde::{Deserialize, Serialize};

/// A machine, and a state of the project.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Machine {
    /// As the kernel names it.
    pub processor: String,
    /// How many there are.
    pub processors: usize,
    /// In gibibytes.
    pub memory_gib: u64,
    /// Linux' version.
    pub kernel: String,
    /// The commit that was measured; with `+` where files were changed since.
    pub commit: String,
}

impl Machine {
    /// This one, with the project in `root`.
    pub fn here(root: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let git = |args: &[&str]| {
            let output = Command::new("git").arg("-C").arg(root).args(args).output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
        };
        let changed = if git(&["status", "--porcelain", "--untracked-files=no"]).is_empty() { "" } else { "+" };
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            processors: available_parallelism().map_or(1, NonZero::get),
            memory_gib: field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0) >> 20,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            commit: git(&["rev-parse", "--short", "HEAD"]) + changed,
        }
    }
}

/// The value of the first line `name: value`.
fn field(text: &str, name: &str) -> String {
    let value = text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name));
    value.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_speaks_for_all() {
        let text = "processor\t: 0\nmodel name\t: A 1000\n\nprocessor\t: 1\nmodel name\t: B\n";
        assert_eq!(field(text, "model name"), "A 1000");
        assert_eq!(field(text, "siblings"), "");
    }
}
