//! From the command line to the task that is meant.

use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::Failure;
use crate::help;
use crate::ports::{self, Ports};

#[derive(Debug, PartialEq)]
pub enum Task {
    Help(&'static str),
    Up(Up),
    Down { gateway_port: u16 },
    Test { runner_args: Vec<String> },
    Lint,
    E2e { args: Vec<String> },
    Bench(Benchmark),
}

#[derive(Debug, PartialEq)]
pub struct Up {
    pub gateway_port: u16,
    pub detach: bool,
}

/// A benchmark, how often and how long.
#[derive(Debug, PartialEq)]
pub struct Benchmark {
    pub name: BenchmarkName,
    pub rounds: u32,
    pub seconds: u32,
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BenchmarkName {
    /// On one store or the other.
    Flood(Option<Store>),
    Gateways,
    Guard,
    Refresh,
    Login,
    /// With so many sessions at the most, where not with as many as usual.
    Growth(Option<u32>),
    Footprint,
    /// Nothing is measured: what was becomes a document.
    Report,
}

impl BenchmarkName {
    pub fn word(self) -> &'static str {
        match self {
            Self::Flood(_) => "flood",
            Self::Gateways => "gateways",
            Self::Guard => "guard",
            Self::Refresh => "refresh",
            Self::Login => "login",
            Self::Growth(_) => "growth",
            Self::Footprint => "footprint",
            Self::Report => "report",
        }
    }
}

/// What a benchmark's auth-service keeps its users and sessions in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Store {
    Sqlite,
    /// Sessions; users are in Postgres.
    Redis,
}

impl Store {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Redis];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
        }
    }
}

pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Task, Failure> {
    let mut args = args.into_iter();
    let Some(word) = args.next() else { return Ok(Task::Help(help::ALL)) };
    let rest = args.collect::<Vec<_>>();
    match word.to_str() {
        Some("up") => up(rest),
        Some("down") => down(rest),
        Some("test") => passed_on(rest, help::TEST, |runner_args| Task::Test { runner_args }),
        Some("lint") => no_options(rest, help::LINT, Task::Lint),
        Some("e2e") => passed_on(rest, help::E2E, |args| Task::E2e { args }),
        Some("bench") => bench(rest),
        Some("help" | "-h" | "--help") => Ok(Task::Help(rest.first().map_or(help::ALL, |task| help::of(task)))),
        _ => Err(usage(format!("There is no task named {:?}.", word.to_string_lossy()))),
    }
}

fn up(args: Vec<OsString>) -> Result<Task, Failure> {
    let mut up = Up { gateway_port: ports::DEFAULT, detach: false };
    let mut parser = Parser::from_args(args);
    while let Some(arg) = parser.next().map_err(|error| unreadable(&error))? {
        match arg {
            Arg::Long("port") | Arg::Short('p') => up.gateway_port = port(&mut parser)?,
            Arg::Long("detach") | Arg::Short('d') => up.detach = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Task::Help(help::UP)),
            other => return Err(unreadable(&other.unexpected())),
        }
    }
    Ok(Task::Up(up))
}

fn down(args: Vec<OsString>) -> Result<Task, Failure> {
    let mut gateway_port = ports::DEFAULT;
    let mut parser = Parser::from_args(args);
    while let Some(arg) = parser.next().map_err(|error| unreadable(&error))? {
        match arg {
            Arg::Long("port") | Arg::Short('p') => gateway_port = port(&mut parser)?,
            Arg::Long("help") | Arg::Short('h') => return Ok(Task::Help(help::DOWN)),
            other => return Err(unreadable(&other.unexpected())),
        }
    }
    Ok(Task::Down { gateway_port })
}

fn bench(args: Vec<OsString>) -> Result<Task, Failure> {
    let (mut rounds, mut seconds, mut out, mut on, mut most) = (5, 10, None, None, None);
    let mut name = None;
    let mut parser = Parser::from_args(args);
    while let Some(arg) = parser.next().map_err(|error| unreadable(&error))? {
        match arg {
            Arg::Value(word) if name.is_none() => name = Some(word),
            Arg::Long("rounds") => rounds = number(&mut parser, COUNT)?,
            Arg::Long("seconds") => seconds = number(&mut parser, COUNT)?,
            Arg::Long("most") => most = Some(number(&mut parser, SESSIONS)?),
            Arg::Long("store") => on = Some(store(&mut parser)?),
            Arg::Long("out") => out = Some(parser.value().map_err(|error| unreadable(&error))?.into()),
            Arg::Long("help") | Arg::Short('h') => return Ok(Task::Help(help::BENCH)),
            other => return Err(unreadable(&other.unexpected())),
        }
    }
    let name = match name.as_deref().map(OsStr::to_string_lossy).as_deref() {
        Some(word) if on.is_some() && word != "flood" => {
            return Err(usage("Only a flood can be measured on one store alone.".to_owned()));
        }
        Some(word) if most.is_some() && word != "growth" => {
            return Err(usage("Only growth has a largest number of sessions.".to_owned()));
        }
        Some("flood") => BenchmarkName::Flood(on),
        Some("gateways") => BenchmarkName::Gateways,
        Some("guard") => BenchmarkName::Guard,
        Some("refresh") => BenchmarkName::Refresh,
        Some("login") => BenchmarkName::Login,
        Some("growth") => BenchmarkName::Growth(most),
        Some("footprint") => BenchmarkName::Footprint,
        Some("report") => BenchmarkName::Report,
        _ => return Err(usage("Which benchmark? `cargo xtask bench --help` names them.".to_owned())),
    };
    Ok(Task::Bench(Benchmark { name, rounds, seconds, out }))
}

/// Rounds, and seconds.
const COUNT: RangeInclusive<u32> = 1..=3_600;

/// From the smallest size that the driver knows to the largest.
const SESSIONS: RangeInclusive<u32> = 1_000..=1_000_000;

fn number(parser: &mut Parser, range: RangeInclusive<u32>) -> Result<u32, Failure> {
    let text = parser.value().and_then(ValueExt::string).map_err(|error| unreadable(&error))?;
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| usage(format!("{text:?} is no number from {} to {}.", range.start(), range.end())))
}

fn store(parser: &mut Parser) -> Result<Store, Failure> {
    let text = parser.value().and_then(ValueExt::string).map_err(|error| unreadable(&error))?;
    let store = Store::ALL.into_iter().find(|store| store.name() == text);
    store.ok_or_else(|| usage(format!("{text:?} is no store: it is sqlite or redis.")))
}

fn port(parser: &mut Parser) -> Result<u16, Failure> {
    let text = parser.value().and_then(ValueExt::string).map_err(|error| unreadable(&error))?;
    text.parse().ok().filter(|port| Ports::plan(*port).is_some()).ok_or_else(|| {
        usage(format!("{text:?} is no usable port: it has to be a number from 1 to {}.", ports::HIGHEST_GATEWAY_PORT))
    })
}

fn no_options(args: Vec<OsString>, help: &'static str, task: Task) -> Result<Task, Failure> {
    match Parser::from_args(args).next().map_err(|error| unreadable(&error))? {
        None => Ok(task),
        Some(Arg::Long("help") | Arg::Short('h')) => Ok(Task::Help(help)),
        Some(other) => Err(unreadable(&other.unexpected())),
    }
}

/// Everything but a leading request for help belongs to the program that the task runs.
fn passed_on(args: Vec<OsString>, help: &'static str, task: impl FnOnce(Vec<String>) -> Task) -> Result<Task, Failure> {
    if args.first().is_some_and(|first| first == "--help" || first == "-h") {
        return Ok(Task::Help(help));
    }
    let args = args.into_iter().map(OsString::into_string).collect::<Result<_, _>>();
    args.map(task).map_err(|arg| usage(format!("{:?} is not readable text.", arg.to_string_lossy())))
}

fn unreadable(error: &lexopt::Error) -> Failure {
    usage(format!("The command line has a mistake: {error}."))
}

fn usage(what: String) -> Failure {
    Failure::usage(what).remedy("`cargo xtask help` lists the tasks and their options.")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Benchmark, BenchmarkName, Store, Task, Up, parse};
    use crate::help;

    fn parsed(line: &str) -> Result<Task, u8> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|failure| failure.code())
    }

    #[test]
    fn up_takes_the_usual_port_and_stays_in_the_foreground_unless_told_otherwise() {
        assert_eq!(parsed("up"), Ok(Task::Up(Up { gateway_port: 8080, detach: false })));
        assert_eq!(parsed("up --detach --port=9000"), Ok(Task::Up(Up { gateway_port: 9000, detach: true })));
        assert_eq!(parsed("down --port 9000"), Ok(Task::Down { gateway_port: 9000 }));
    }

    #[test]
    fn the_test_runner_gets_its_arguments_untouched() {
        let runner_args = vec!["--no-fail-fast".to_owned(), "refresh".to_owned()];
        assert_eq!(parsed("test --no-fail-fast refresh"), Ok(Task::Test { runner_args }));
    }

    #[test]
    fn a_benchmark_is_measured_in_five_rounds_unless_told_otherwise() {
        let bench = |name, rounds, seconds, out: Option<&str>| {
            Ok(Task::Bench(Benchmark { name, rounds, seconds, out: out.map(Into::into) }))
        };
        assert_eq!(parsed("bench flood"), bench(BenchmarkName::Flood(None), 5, 10, None));
        let line = "bench flood --rounds 1 --seconds=2 --store redis --out numbers.jsonl";
        let name = BenchmarkName::Flood(Some(Store::Redis));
        assert_eq!(parsed(line), bench(name, 1, 2, Some("numbers.jsonl")));
        assert_eq!(parsed("bench gateways --seconds 3"), bench(BenchmarkName::Gateways, 5, 3, None));
        for name in [BenchmarkName::Guard, BenchmarkName::Refresh, BenchmarkName::Login, BenchmarkName::Growth(None)] {
            assert_eq!(parsed(&format!("bench {}", name.word())), bench(name, 5, 10, None));
        }
        assert_eq!(parsed("bench gateways --store redis"), Err(2));
    }

    #[test]
    fn growth_alone_has_a_largest_number_of_sessions() {
        let task =
            |most| Ok(Task::Bench(Benchmark { name: BenchmarkName::Growth(most), rounds: 5, seconds: 10, out: None }));
        assert_eq!(parsed("bench growth"), task(None));
        assert_eq!(parsed("bench growth --most 10000"), task(Some(10_000)));
        for line in
            ["bench refresh --most 10000", "bench --most 10000", "bench growth --most 999", "bench growth --most"]
        {
            assert_eq!(parsed(line), Err(2), "{line}");
        }
    }

    #[test]
    fn help_is_found_in_every_usual_place() {
        for line in ["", "help", "--help", "-h"] {
            assert_eq!(parsed(line), Ok(Task::Help(help::ALL)), "{line}");
        }
        for line in ["up --help", "help up", "up --port 9000 -h"] {
            assert_eq!(parsed(line), Ok(Task::Help(help::UP)), "{line}");
        }
        assert_eq!(parsed("test --help"), Ok(Task::Help(help::TEST)));
        assert_eq!(parsed("lint -h"), Ok(Task::Help(help::LINT)));
        assert_eq!(parsed("bench flood --help"), Ok(Task::Help(help::BENCH)));
    }

    #[test]
    fn what_cannot_be_meant_ends_with_2() {
        for line in
            ["upp", "up --prot 1", "up --port", "up --port x", "up --port 0", "up --port 65000", "lint fast", "up 9000"]
        {
            assert_eq!(parsed(line), Err(2), "{line}");
        }
        for line in
            ["bench", "bench drought", "bench flood flood", "bench flood --rounds 0", "bench flood --store disk"]
        {
            assert_eq!(parsed(line), Err(2), "{line}");
        }
    }
}
