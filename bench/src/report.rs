//! From samples to numbers, and from numbers to a table for people and lines of JSON for charts.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{
    arguments::Options,
    capacity::{COST, Capacity},
    clients::{Kind, Samples},
    contest::Entry,
    failure::Failure,
    finding::Finding,
    flood::Logins,
    machine::Machine,
};

/// How long the requests of one kind took in one phase, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    /// Requests that were answered as they ought to be.
    pub count: u64,
    /// Requests that were not.
    pub failed: u32,
    /// Half of them took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// What became of a flood.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FloodNumbers {
    /// How long it was measured.
    pub seconds: f64,
    /// The logins.
    pub logins: Logins,
    /// Hashes, as a part of those that the machine could make if it did nothing else.
    pub pool_use: f64,
    /// Logins that found no place, as auth-service has counted them.
    pub turned_away_per_second: f64,
    /// Logins that waited for a thread at the beginning and at the end of the measurement.
    pub waiting: [u32; 2],
}

/// Idle, busy, then flood. Latencies are in the order of [`Kind::ALL`].
#[derive(Debug)]
pub struct Round {
    /// From 1.
    pub number: u32,
    /// With nothing else to do.
    pub idle: [Latency; 3],
    /// With every processor kept busy by threads of bcrypt's priority that do nothing.
    pub busy: [Latency; 3],
    /// With a flood of logins.
    pub flooded: [Latency; 3],
    /// The flood itself.
    pub flood: FloodNumbers,
}

/// What all rounds have in common.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    store: &'static str,
    rounds: u32,
    phase_seconds: u64,
    bcrypt_cost: u32,
    capacity: Capacity,
    idle_logins_per_second: f64,
}

/// All rounds on one store.
#[derive(Debug)]
pub struct Report {
    setting: Setting,
    rounds: Vec<Round>,
}

/// A line of JSON.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Record<'a> {
    Setting(&'a Setting),
    Latency {
        store: &'a str,
        round: u32,
        phase: &'a str,
        kind: Kind,
        ms: &'a Latency,
    },
    Machine(&'a Machine),
    Entry(&'a Entry),
    Flood {
        store: &'a str,
        round: u32,
        numbers: &'a FloodNumbers,
    },
    #[serde(untagged)]
    Finding(&'a Finding),
}

/// Where the lines of JSON go, if anywhere.
#[derive(Debug)]
pub struct Output(Option<File>);

impl Latency {
    /// Of all samples of one phase.
    pub fn of(samples: &Samples) -> Result<Self, Failure> {
        let broken = |error: &dyn fmt::Display| Failure::Other(format!("Latencies cannot be counted: {error}."));
        let mut histogram = Histogram::<u64>::new(3).map_err(|error| broken(&error))?;
        for latency in &samples.latencies {
            let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            histogram.record(micros).map_err(|error| broken(&error))?;
        }
        let ms = |micros| Duration::from_micros(micros).as_secs_f64() * 1_000.0;
        Ok(Self {
            count: histogram.len(),
            failed: samples.failed,
            p50: ms(histogram.value_at_quantile(0.5)),
            p99: ms(histogram.value_at_quantile(0.99)),
            max: ms(histogram.max()),
        })
    }
}

impl Round {
    /// How many times slower the slowest hundredth is in the flood than on an idle machine.
    fn against_idle(&self, kind: usize) -> f64 {
        self.flooded[kind].p99 / self.idle[kind].p99
    }

    /// The same, than on a machine that is as busy with something else.
    fn against_busy(&self, kind: usize) -> f64 {
        self.flooded[kind].p99 / self.busy[kind].p99
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "round {}: p99 idle, busy, flood", self.number)?;
        for (place, kind) in Kind::ALL.iter().enumerate() {
            let [idle, busy, flooded] = [&self.idle, &self.busy, &self.flooded].map(|phase| phase[place].p99);
            write!(f, " · {} {idle:.2}, {busy:.2}, {flooded:.2}", kind.title())?;
        }
        Ok(())
    }
}

impl Setting {
    /// What was asked for, and what the machine can do.
    pub fn of(options: &Options, capacity: Capacity, idle_logins_per_second: f64) -> Self {
        Self {
            store: options.store.name(),
            rounds: options.rounds,
            phase_seconds: options.phase.as_secs(),
            bcrypt_cost: COST,
            capacity,
            idle_logins_per_second,
        }
    }
}

impl Report {
    /// Without rounds as yet.
    pub fn new(setting: Setting) -> Self {
        Self { setting, rounds: Vec::new() }
    }

    /// One more round.
    pub fn add(&mut self, round: Round) {
        self.rounds.push(round);
    }

    fn median_of(&self, number: impl Fn(&Round) -> f64) -> f64 {
        Spread::of(self.rounds.iter().map(number)).median
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20}{:>10}{:>10}{:>10}{:>10}{:>11}{:>11}   {:<20}p99 flood ÷ busy",
            "ms", "idle p50", "idle p99", "busy p50", "busy p99", "flood p50", "flood p99", "p99 flood ÷ idle"
        )?;
        for (place, kind) in Kind::ALL.iter().enumerate() {
            let ms = |number: fn(&Latency) -> f64, of: fn(&Round) -> &[Latency; 3]| {
                self.median_of(|round| number(&of(round)[place]))
            };
            writeln!(
                f,
                "{:<20}{:>10.2}{:>10.2}{:>10.2}{:>10.2}{:>11.2}{:>11.2}   {:<20}{}",
                kind.title(),
                ms(|it| it.p50, |round| &round.idle),
                ms(|it| it.p99, |round| &round.idle),
                ms(|it| it.p50, |round| &round.busy),
                ms(|it| it.p99, |round| &round.busy),
                ms(|it| it.p50, |round| &round.flooded),
                ms(|it| it.p99, |round| &round.flooded),
                Spread::of(self.rounds.iter().map(|round| round.against_idle(place))).to_string(),
                Spread::of(self.rounds.iter().map(|round| round.against_busy(place))),
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { store, rounds, phase_seconds, bcrypt_cost, capacity, idle_logins_per_second } = &self.setting;
        let per_second = |count: fn(&Logins) -> u32| {
            self.median_of(|Round { flood, .. }| f64::from(count(&flood.logins)) / flood.seconds)
        };
        writeln!(f, "\nflood on {store}, medians of {rounds} rounds of {phase_seconds} s each")?;
        self.table(f)?;
        let failed: u32 = self
            .rounds
            .iter()
            .flat_map(|it| it.idle.iter().chain(&it.busy).chain(&it.flooded))
            .map(|it| it.failed)
            .sum();
        if failed > 0 {
            writeln!(f, "{failed} measured requests were NOT answered as they ought to be")?;
        }
        writeln!(
            f,
            "bcrypt of cost {bcrypt_cost} takes {:.1} ms with {} at once: {:.2} logins/s at the most",
            capacity.hash_ms,
            capacity.processors,
            capacity.per_second(),
        )?;
        writeln!(
            f,
            "logins/s with nothing else to do: {idle_logins_per_second:.2}, which is {:.3} of that",
            idle_logins_per_second / capacity.per_second(),
        )?;
        writeln!(
            f,
            "logins/s in the flood: {:.1} offered; {:.1} answered 200, {:.1} 401, {:.1} 503, {:.1} 429, {:.1} otherwise",
            per_second(|it| it.offered),
            per_second(|it| it.logged_in),
            per_second(|it| it.refused),
            per_second(|it| it.busy),
            per_second(|it| it.throttled),
            per_second(|it| it.failed),
        )?;
        write!(
            f,
            "login goodput in the flood: {:.1}/s; the pool made {:.3} of the hashes that it could have made alone; at \
             least {} waited",
            per_second(Logins::hashed),
            self.median_of(|round| round.flood.pool_use),
            self.rounds.iter().flat_map(|round| round.flood.waiting).min().unwrap_or(0),
        )
    }
}

impl Output {
    /// Lines are added to the file: several stores go into one.
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        path.map(open).transpose().map(Self).map_err(Failure::during("The file for the results cannot be opened"))
    }

    /// The file of `options`, and what it runs on.
    pub fn begin(options: &Options) -> Result<Self, Failure> {
        let mut output = Self::open(options.out.as_deref())?;
        output.write(&Record::Machine(&Machine::here(&options.root)))?;
        Ok(output)
    }

    /// What all rounds have in common.
    pub fn setting(&mut self, setting: &Setting) -> Result<(), Failure> {
        self.write(&Record::Setting(setting))
    }

    /// One round.
    pub fn round(&mut self, store: &str, round: &Round) -> Result<(), Failure> {
        for (phase, latencies) in [("idle", &round.idle), ("busy", &round.busy), ("flood", &round.flooded)] {
            for (kind, ms) in Kind::ALL.into_iter().zip(latencies) {
                self.write(&Record::Latency { store, round: round.number, phase, kind, ms })?;
            }
        }
        self.write(&Record::Flood { store, round: round.number, numbers: &round.flood })
    }

    /// One turn of a contest.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), Failure> {
        self.write(&Record::Entry(entry))
    }

    /// What was found outside of contests.
    pub fn finding(&mut self, finding: &Finding) -> Result<(), Failure> {
        self.write(&Record::Finding(finding))
    }

    fn write(&mut self, record: &Record) -> Result<(), Failure> {
        let Some(file) = &mut self.0 else { return Ok(()) };
        let mut write = || {
            serde_json::to_writer(&mut *file, record)?;
            file.write_all(b"\n")
        };
        write().map_err(Failure::during("The results cannot be written"))
    }
}

/// Several numbers as one reads them.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// Of an even number, between the middle two.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of none it is nothing at all.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
        let last = numbers.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), min: at(0), max: at(last) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self { median, min, max } = self;
        write!(f, "{median:.digits$} ({min:.digits$}..{max:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(p99: f64) -> Latency {
        Latency { count: 100, failed: 0, p50: p99 / 2.0, p99, max: p99 }
    }

    fn round(number: u32, idle: f64, flooded: f64) -> Round {
        let logins = Logins { offered: 2_000, logged_in: 20, refused: 60, busy: 1_900, ..Logins::default() };
        let flood =
            FloodNumbers { seconds: 10.0, logins, pool_use: 0.96, turned_away_per_second: 190.0, waiting: [64, 63] };
        Round {
            number,
            idle: [latency(idle); 3],
            busy: [latency(2.0 * idle); 3],
            flooded: [latency(flooded); 3],
            flood,
        }
    }

    fn setting() -> Setting {
        let capacity = Capacity { processors: 2, hash_ms: 250.0 };
        let (store, idle_logins_per_second) = ("sqlite", 7.92);
        Setting { store, rounds: 3, phase_seconds: 10, bcrypt_cost: 12, capacity, idle_logins_per_second }
    }

    #[test]
    fn percentiles_are_in_milliseconds_and_good_to_a_thousandth() {
        let latencies = (1..=1_000).map(|tenth| Duration::from_micros(tenth * 100)).collect();
        let latency = Latency::of(&Samples { latencies, failed: 3 }).unwrap();
        assert_eq!((latency.count, latency.failed), (1_000, 3));
        for (told, is) in [(latency.p50, 50.0), (latency.p99, 99.0), (latency.max, 100.0)] {
            assert!((told / is - 1.0).abs() <= 0.001, "{told} for {is}");
        }
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = |numbers: &[f64]| Spread::of(numbers.iter().copied()).to_string();
        assert_eq!(spread(&[3.0, 1.0, 2.0]), "2.00 (1.00..3.00)");
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), "2.50 (1.00..4.00)");
        assert_eq!(spread(&[5.0]), "5.00 (5.00..5.00)");
    }

    #[test]
    fn the_report_has_the_median_of_the_rounds_ratios_and_what_became_of_the_logins() {
        let mut report = Report::new(setting());
        for (number, flooded) in [(1, 3.0), (2, 4.0), (3, 8.0)] {
            report.add(round(number, 2.0, flooded));
        }
        let text = report.to_string();
        for part in [
            "POST /auth/refresh        1.00      2.00      2.00      4.00       2.00       4.00   2.00 (1.50..4.00)   1.00 (0.75..2.00)",
            "takes 250.0 ms with 2 at once: 8.00 logins/s",
            "7.92, which is 0.990 of that",
            "200.0 offered; 2.0 answered 200, 6.0 401, 190.0 503, 0.0 429",
            "goodput in the flood: 8.0/s; the pool made 0.960 of the hashes",
            "at least 63 waited",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("NOT"), "{text}");
    }

    #[test]
    fn each_line_of_json_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let mut output = Output::open(Some(&path)).unwrap();
        output.setting(&setting()).unwrap();
        output.round("sqlite", &round(1, 2.0, 3.0)).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 11);
        assert_eq!((&lines[0]["record"], &lines[0]["capacity"]["hash_ms"]), (&"setting".into(), &250.0.into()));
        assert_eq!((&lines[7]["phase"], &lines[7]["kind"]), (&"flood".into(), &"refresh".into()));
        assert_eq!(lines[7]["ms"]["p99"], 3.0);
        assert_eq!(lines[10]["numbers"]["logins"]["busy"], 1_900);
    }
}
