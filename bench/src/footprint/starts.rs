//! From the start of a process to its answer that it is ready.

use std::{
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

use crate::{
    connection::Connection,
    failure::Failure,
    finding::{Finding, Start},
    report::{Output, Spread},
    stack::{Stack, Which},
    stop_request::StopRequest,
};

/// Starts on each database.
const RUNS: u32 = 11;

/// Between two questions.
const EVERY: Duration = Duration::from_millis(1);

/// Nobody is to take so long.
const PATIENCE: Duration = Duration::from_secs(30);

const DATABASES: [&str; 2] = ["empty", "migrated"];

/// Each run has a new SQLite file, on which the service is started twice. resource-service is ready once it knows what was
/// revoked, for which it asks the stack's auth-service.
pub fn measure(stack: &Stack, which: Which, output: &mut Output, stop: &StopRequest) -> Result<Vec<Start>, Failure> {
    let mut starts = Vec::new();
    for run in 1..=RUNS {
        for database in DATABASES {
            let begin = Instant::now();
            let service = stack.start_another(which, Some(&format!("{}-{run}", which.name())), &[])?;
            wait(&service.ready, begin, stop)?;
            let ms = begin.elapsed().as_secs_f64() * 1_000.0;
            let start = Start { program: which.name(), database, run, ms };
            output.finding(&Finding::FootprintStart(start.clone()))?;
            starts.push(start);
        }
    }
    Ok(starts)
}

fn wait(url: &str, begin: Instant, stop: &StopRequest) -> Result<(), Failure> {
    let connection = Connection::new();
    while !connection.get(url, None).is_ok_and(|answer| answer.status == 200) {
        if stop.came() {
            return Err(Failure::Interrupted);
        }
        if begin.elapsed() > PATIENCE {
            return Err(Failure::Other(format!("{url} does not say that it is ready.")));
        }
        thread::sleep(EVERY);
    }
    Ok(())
}

/// A line for each program and database.
pub fn table(starts: &[Start]) -> String {
    let mut text =
        format!("\n| start to ready, {RUNS} runs | database | median ms (smallest..largest) |\n|---|---|---:|\n");
    for first in starts.iter().filter(|start| start.run == 1) {
        let alike = starts.iter().filter(|start| (start.program, start.database) == (first.program, first.database));
        let spread = Spread::of(alike.map(|start| start.ms));
        _ = writeln!(text, "| {} | {} | {spread:.1} |", first.program, first.database);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_has_its_own_median() {
        let start = |database, run, ms| Start { program: "auth-service", database, run, ms };
        let starts =
            [start("empty", 1, 90.0), start("migrated", 1, 30.0), start("empty", 2, 80.0), start("migrated", 2, 40.0)];
        let text = table(&starts);
        assert!(text.contains("| auth-service | empty | 85.0 (80.0..90.0) |"), "{text}");
        assert!(text.contains("| auth-service | migrated | 35.0 (30.0..40.0) |"), "{text}");
    }
}
