//! `bench/RESULTS.md` and its charts, from what runs have written to `bench/results/` and what people have remarked there.

use std::{fmt::Write, fs, io::ErrorKind, path::Path};

use serde::Deserialize;

use crate::{chart, contest::Entry, failure::Failure, machine::Machine, say, table};

/// What is shown, in this order: the name of the files, a heading, the chart's title, and whose bars stand out.
const SECTIONS: [Section; 7] = [
    Section {
        name: "guard",
        heading: "Guarding a route",
        chart: "GET /api/whoami on one processor, requests a second",
    },
    Section { name: "gateways", heading: "Through a gateway", chart: "GET /api/whoami, requests a second" },
    Section { name: "refresh", heading: "Refreshing", chart: "POST /auth/refresh on one processor, requests a second" },
    Section { name: "login", heading: "Logging in", chart: "POST /auth/login, bcrypt of cost 12, logins a second" },
    Section { name: "flood", heading: "A flood of logins", chart: "" },
    Section { name: "growth", heading: "Growth", chart: "" },
    Section { name: "footprint", heading: "Footprint", chart: "" },
];

const INTRODUCTION: &str = "# Results\n\n\
Made by `cargo xtask bench report` from the runs in [`results/`](results). What is measured and how:\n\
[docs/benchmarks.md](../docs/benchmarks.md). Medians of the rounds, with the smallest and the largest; a ratio compares two\n\
turns of the same round. Numbers of another machine differ, ratios less so.\n";

struct Section {
    name: &'static str,
    heading: &'static str,
    chart: &'static str,
}

/// Who is left out of charts, which are for a glance: the table has all.
const NOT_CHARTED: [&str; 4] = ["revoked", "ES256", "RS256", "100,000 tokens"];

/// A line that a run has written. Others are in the remarks.
#[derive(Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line {
    Machine(Machine),
    Entry(Entry),
    #[serde(other)]
    Other,
}

/// Writes them.
pub fn write(root: &Path) -> Result<(), Failure> {
    let bench = root.join("bench");
    let charts = bench.join("charts");
    let cannot = || Failure::during("The results cannot be written");
    fs::create_dir_all(&charts).map_err(cannot())?;
    let mut text = INTRODUCTION.to_owned();
    for Section { name, heading, chart } in SECTIONS {
        let (machine, entries) = read(&bench.join("results").join(name).with_extension("jsonl"))?;
        let remarks = optional(&bench.join("results").join(name).with_extension("md"))?;
        if entries.is_empty() && remarks.is_empty() {
            continue;
        }
        // Writing to a string does not fail.
        _ = write!(text, "\n## {heading}\n");
        // A run may hold several contests: the first has the chart.
        let contests: Vec<&[Entry]> = entries.chunk_by(|one, other| one.contest == other.contest).collect();
        for (place, entries) in contests.iter().enumerate() {
            if place == 0 {
                let charted: Vec<Entry> = entries.iter().filter(|entry| is_charted(&entry.name)).cloned().collect();
                let svg = chart::of(chart, &charted, is_ours);
                fs::write(charts.join(name).with_extension("svg"), svg).map_err(cannot())?;
                _ = write!(text, "\n![{chart}](charts/{name}.svg)\n");
            }
            if contests.len() > 1 {
                _ = write!(text, "\n**{}**\n", entries[0].contest);
            }
            _ = write!(text, "\n{}", table::of(entries));
        }
        if let Some(machine) = machine {
            let Machine { processor, processors, memory_gib, kernel, commit } = machine;
            _ = write!(
                text,
                "\n{processors} × {processor}, {memory_gib} GiB, Linux {kernel}, commit {commit}: `cargo xtask bench {name}`.\n"
            );
        }
        if !remarks.is_empty() {
            _ = write!(text, "\n{remarks}");
        }
    }
    fs::write(bench.join("RESULTS.md"), text).map_err(cannot())?;
    say::line("bench/RESULTS.md and bench/charts/ are written");
    Ok(())
}

/// Those that are guarded or answered by Latchkey itself.
fn is_ours(name: &str) -> bool {
    let others = ["no gateway", "unguarded", "jsonwebtoken", "bare", "Flask", "Fast", "bcrypt", "script", "EVALSHA"];
    !others.iter().any(|other| name.contains(other))
}

fn is_charted(name: &str) -> bool {
    !NOT_CHARTED.iter().any(|other| name.contains(other))
}

/// The last machine, and all turns.
fn read(path: &Path) -> Result<(Option<Machine>, Vec<Entry>), Failure> {
    let (mut machine, mut entries) = (None, Vec::new());
    for line in optional(path)?.lines() {
        let broken = |error| Failure::Other(format!("{} has a line that is none: {error}.", path.display()));
        match serde_json::from_str(line).map_err(broken)? {
            Line::Machine(named) => machine = Some(named),
            Line::Entry(entry) => entries.push(entry),
            Line::Other => {}
        }
    }
    Ok((machine, entries))
}

/// Nothing, where there is no such file.
fn optional(path: &Path) -> Result<String, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::during("The results cannot be read")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_and_the_remarks_on_it_become_a_section_with_a_chart() {
        let root = tempfile::tempdir().unwrap();
        let results = root.path().join("bench/results");
        fs::create_dir_all(&results).unwrap();
        let lines = [
            r#"{"record":"machine","processor":"A 1000","processors":2,"memory_gib":24,"kernel":"6.1","commit":"abc"}"#,
            r#"{"record":"entry","contest":"login","round":1,"name":"bcrypt alone","base":null,"per_second":8.0,"p50_ms":250.0,"p99_ms":260.0,"processor_us":1.0}"#,
            r#"{"record":"entry","contest":"login","round":1,"name":"Latchkey","base":"bcrypt alone","per_second":7.84,"p50_ms":250.0,"p99_ms":260.0,"processor_us":1.0}"#,
            r#"{"record":"setting","store":"sqlite"}"#,
        ];
        fs::write(results.join("login.jsonl"), lines.join("\n")).unwrap();
        fs::write(results.join("login.md"), "It is near the floor.\n").unwrap();
        write(root.path()).unwrap();
        let text = fs::read_to_string(root.path().join("bench/RESULTS.md")).unwrap();
        for part in ["## Logging in", "0.98 (0.98..0.98)", "2 × A 1000, 24 GiB", "It is near the floor."] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("## Guarding"), "{text}");
        assert!(root.path().join("bench/charts/login.svg").exists());
    }
}
