//! What the services take: time until they are ready, memory, and the size of their programs.

mod memory_under_load;
mod starts;

use std::{fmt::Write, fs};

use crate::{
    arguments::{Options, Store},
    failure::Failure,
    finding::{Binary, Finding, ProcessMemory},
    memory::megabytes,
    report::Output,
    say,
    stack::{Plan, Stack, Which},
    stop_request::StopRequest,
};

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::begin(options)?;
    say::line("Starting both services on SQLite");
    let stack = Stack::start(&Plan::shipped(&options.programs, &Store::Sqlite), &stop)?;
    let memory = memory_under_load::measure(&stack, options.phase, &mut output, &stop)?;
    let mut starts = Vec::new();
    for which in [Which::Auth, Which::Resource] {
        starts.extend(starts::measure(&stack, which, &mut output, &stop)?);
    }
    let binaries = binaries(options)?;
    for binary in &binaries {
        output.finding(&Finding::FootprintBinary(binary.clone()))?;
    }
    say::line(starts::table(&starts));
    say::line(table(&memory, &binaries));
    Ok(())
}

fn binaries(options: &Options) -> Result<Vec<Binary>, Failure> {
    let size = |which: Which| {
        let metadata = fs::metadata(options.programs.get(which.name())?)
            .map_err(Failure::during("A program's size cannot be read"))?;
        Ok(Binary { program: which.name(), bytes: metadata.len() })
    };
    [Which::Auth, Which::Resource].map(size).into_iter().collect()
}

fn table(memory: &[ProcessMemory], binaries: &[Binary]) -> String {
    let mut text = "| memory | | resident MB | peak MB |\n|---|---|---:|---:|\n".to_owned();
    for ProcessMemory { program, phase, resident_mb, peak_mb } in memory {
        _ = writeln!(text, "| {program} | {phase} | {resident_mb:.1} | {peak_mb:.1} |");
    }
    text.push_str("\n| program | MB |\n|---|---:|\n");
    for Binary { program, bytes } in binaries {
        _ = writeln!(text, "| {program} | {:.1} |", megabytes(*bytes));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn megabytes_have_one_digit() {
        let memory = ProcessMemory { program: "auth-service", phase: "idle", resident_mb: 20.04, peak_mb: 21.0 };
        let text = table(&[memory], &[Binary { program: "auth-service", bytes: 19_960_000 }]);
        assert!(text.contains("| auth-service | idle | 20.0 | 21.0 |"), "{text}");
        assert!(text.ends_with("| auth-service | 20.0 |\n"), "{text}");
    }
}
