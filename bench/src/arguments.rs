//! From the command line to the benchmark that is meant. `cargo xtask bench` writes it, so there is no help here.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use lexopt::{Arg, Parser, ValueExt};

use crate::failure::Failure;

/// Where the private Redis is. Not an argument: every user of the machine can read command lines.
const REDIS_URL: &str = "LATCHKEY_BENCH_REDIS_URL";
/// The private Redis Cluster.
const REDIS_CLUSTER_URL: &str = "LATCHKEY_BENCH_REDIS_CLUSTER_URL";
/// The private Postgres.
const POSTGRES_URL: &str = "LATCHKEY_BENCH_POSTGRES_URL";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benchmark {
    /// What a flood of logins does to everybody else.
    Flood,
    /// What nginx and Envoy cost.
    Gateways,
    /// What it costs to guard a route.
    Guard,
    /// Rotations of refresh tokens.
    Refresh,
    /// Logins, against what bcrypt allows.
    Login,
    /// What becomes of it with many sessions, users and replicas.
    Growth,
    /// Start, memory, sizes.
    Footprint,
    /// Nothing new: what was measured becomes a document.
    Report,
}

/// With what, and for how long.
#[derive(Debug)]
pub struct Options {
    /// The programs that take part.
    pub programs: Programs,
    /// The project's folder: configurations and peers are in it.
    pub root: PathBuf,
    /// Where auth-service keeps users and sessions, in benchmarks that are about one store.
    pub store: Store,
    /// How often what is compared follows each other.
    pub rounds: u32,
    /// How long each of them is measured.
    pub phase: Duration,
    /// How many sessions there are at the most, in benchmarks that let them grow.
    pub most: u32,
    /// Where a line of JSON is added for everything that was measured.
    pub out: Option<PathBuf>,
}

/// Programs by name.
#[derive(Debug, Default)]
pub struct Programs(HashMap<String, PathBuf>);

impl Programs {
    /// The one with this name.
    pub fn get(&self, name: &str) -> Result<&Path, Failure> {
        let path = self.0.get(name).map(PathBuf::as_path);
        path.ok_or_else(|| Failure::Usage(format!("--program {name}=PATH is needed")))
    }
}

/// Where auth-service keeps users and sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// Both in a file beside it.
    Sqlite,
    /// Both in Postgres.
    Postgres,
    /// Users in Postgres, sessions in Redis.
    Redis,
    /// Users in a file beside it, sessions in what is at this `REDIS_URL`.
    SessionsAt(String),
}

impl Store {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::SessionsAt(_) => "redis alone",
        }
    }
}

/// `REDIS_URL` of the private Redis.
pub fn redis_url() -> Result<String, Failure> {
    variable(REDIS_URL)
}

/// `REDIS_URL` of the private Redis Cluster.
pub fn redis_cluster_url() -> Result<String, Failure> {
    variable(REDIS_CLUSTER_URL)
}

/// `AUTH_DATABASE_URL` of the private Postgres.
pub fn postgres_url() -> Result<String, Failure> {
    variable(POSTGRES_URL)
}

fn variable(name: &str) -> Result<String, Failure> {
    env::var(name).map_err(|error| Failure::Usage(format!("{name}: {error}")))
}

/// `BENCHMARK --program NAME=PATH … --root PATH [--store sqlite|redis] --rounds N --seconds S [--most SESSIONS] [--out FILE]`
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<(Benchmark, Options), Failure> {
    let mut parser = Parser::from_args(args);
    let benchmark = match parser.next().map_err(usage)? {
        Some(Arg::Value(word)) => named(&word)?,
        Some(other) => return Err(usage(other.unexpected())),
        None => return Err(Failure::Usage("there is no benchmark named".to_owned())),
    };
    let mut options = Options {
        programs: Programs::default(),
        root: PathBuf::from("."),
        store: Store::Sqlite,
        rounds: 5,
        phase: Duration::from_secs(10),
        most: 1_000_000,
        out: None,
    };
    while let Some(arg) = parser.next().map_err(usage)? {
        match arg {
            Arg::Long("program") => {
                let (name, path) = program(&parser.value().map_err(usage)?)?;
                options.programs.0.insert(name, path);
            }
            Arg::Long("root") => options.root = parser.value().map_err(usage)?.into(),
            Arg::Long("store") => options.store = store(&parser.value().map_err(usage)?)?,
            Arg::Long("rounds") => options.rounds = number(&mut parser)?,
            Arg::Long("seconds") => options.phase = Duration::from_secs(number(&mut parser)?.into()),
            Arg::Long("most") => options.most = number(&mut parser)?,
            Arg::Long("out") => options.out = Some(parser.value().map_err(usage)?.into()),
            other => return Err(usage(other.unexpected())),
        }
    }
    Ok((benchmark, options))
}

fn named(word: &OsString) -> Result<Benchmark, Failure> {
    Ok(match word.to_str() {
        Some("flood") => Benchmark::Flood,
        Some("gateways") => Benchmark::Gateways,
        Some("guard") => Benchmark::Guard,
        Some("refresh") => Benchmark::Refresh,
        Some("login") => Benchmark::Login,
        Some("growth") => Benchmark::Growth,
        Some("footprint") => Benchmark::Footprint,
        Some("report") => Benchmark::Report,
        _ => return Err(Failure::Usage(format!("there is no benchmark named {}", word.display()))),
    })
}

fn program(value: &OsString) -> Result<(String, PathBuf), Failure> {
    let named = value.to_str().and_then(|value| value.split_once('='));
    let (name, path) = named.ok_or_else(|| Failure::Usage("--program is NAME=PATH".to_owned()))?;
    Ok((name.to_owned(), path.into()))
}

fn store(word: &OsString) -> Result<Store, Failure> {
    match word.to_str() {
        Some("sqlite") => Ok(Store::Sqlite),
        Some("redis") => Ok(Store::Redis),
        _ => Err(Failure::Usage("--store is sqlite or redis".to_owned())),
    }
}

fn number(parser: &mut Parser) -> Result<u32, Failure> {
    let number = parser.value().and_then(|value| value.parse()).map_err(usage)?;
    if number == 0 { Err(Failure::Usage("0 is not enough".to_owned())) } else { Ok(number) }
}

fn usage(error: impl Into<lexopt::Error>) -> Failure {
    Failure::Usage(error.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Benchmark, Options), Failure> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn unless_told_otherwise_there_are_five_rounds_of_ten_seconds() {
        let (benchmark, options) = parsed("flood --program auth-service=/a --store redis").unwrap();
        assert_eq!((benchmark, options.rounds, options.phase), (Benchmark::Flood, 5, Duration::from_secs(10)));
        assert_eq!((options.store, options.out, options.most), (Store::Redis, None, 1_000_000));
        assert_eq!(options.programs.get("auth-service").unwrap(), Path::new("/a"));
    }

    #[test]
    fn a_program_that_was_not_named_is_asked_for() {
        let (_, options) = parsed("gateways --program nginx=/n --root /l --seconds 3").unwrap();
        assert_eq!((options.phase, options.root), (Duration::from_secs(3), "/l".into()));
        let missing = options.programs.get("envoy").unwrap_err();
        assert!(missing.to_string().contains("--program envoy=PATH"), "{missing}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in ["", "drought", "flood --program nginx", "flood --store disk", "flood --rounds 0", "flood flood"] {
            assert!(matches!(parsed(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
