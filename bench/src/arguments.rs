//! From the command line to the benchmark that is meant. `cargo xtask bench` writes it, so there is no help here.

use std::{env, ffi::OsString, path::PathBuf, time::Duration};

use lexopt::{Arg, Parser, ValueExt};

use crate::failure::Failure;

/// Where the private Redis of `--store redis` is. Not an argument: every user of the machine can read command lines.
const REDIS_URL: &str = "LATCHKEY_BENCH_REDIS_URL";
/// Its Postgres.
const POSTGRES_URL: &str = "LATCHKEY_BENCH_POSTGRES_URL";

/// What is measured.
#[derive(Debug)]
pub enum Benchmark {
    /// What a flood of logins does to everybody else.
    Flood(Options),
    /// What nginx and Envoy cost.
    Gateways(GatewayOptions),
}

/// Through what, and for how long.
#[derive(Debug)]
pub struct GatewayOptions {
    /// The services' programs.
    pub programs: Programs,
    /// nginx' program.
    pub nginx: PathBuf,
    /// Envoy's program.
    pub envoy: PathBuf,
    /// The folder that has the gateways' configurations.
    pub root: PathBuf,
    /// How often the ways follow each other.
    pub rounds: u32,
    /// How long each of them is measured, in each of two manners.
    pub phase: Duration,
    /// Where a line of JSON is added for everything that was measured.
    pub out: Option<PathBuf>,
}

/// On what, and for how long.
#[derive(Debug)]
pub struct Options {
    /// The services' programs.
    pub programs: Programs,
    /// Where auth-service keeps users and sessions.
    pub store: Store,
    /// How often idle and flood follow each other.
    pub rounds: u32,
    /// How long each of them is measured.
    pub phase: Duration,
    /// Where a line of JSON is added for everything that was measured.
    pub out: Option<PathBuf>,
}

/// The services' programs.
#[derive(Debug)]
pub struct Programs {
    /// auth-service
    pub auth: PathBuf,
    /// resource-service
    pub resource: PathBuf,
}

/// Where auth-service keeps users and sessions.
#[derive(Debug)]
pub enum Store {
    /// Both in a file beside it.
    Sqlite,
    /// Users in Postgres, sessions in Redis.
    Redis {
        /// `REDIS_URL`
        redis: String,
        /// `AUTH_DATABASE_URL`
        postgres: String,
    },
}

impl Store {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Redis { .. } => "redis",
        }
    }
}

/// `flood --auth-service PATH --resource-service PATH --store sqlite|redis --rounds N --seconds S [--out FILE]`, or
/// `gateways --auth-service PATH --resource-service PATH --nginx PATH --envoy PATH --root PATH --rounds N --seconds S [--out FILE]`
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Benchmark, Failure> {
    let mut parser = Parser::from_args(args);
    match parser.next().map_err(usage)? {
        Some(Arg::Value(word)) if word == "flood" => Ok(Benchmark::Flood(options(parser)?)),
        Some(Arg::Value(word)) if word == "gateways" => Ok(Benchmark::Gateways(gateway_options(parser)?)),
        Some(other) => Err(usage(other.unexpected())),
        None => Err(Failure::Usage("there is no benchmark named".to_owned())),
    }
}

fn options(mut parser: Parser) -> Result<Options, Failure> {
    let (mut auth, mut resource, mut store, mut out) = (None, None, None, None);
    let (mut rounds, mut seconds) = (5, 10);
    while let Some(arg) = parser.next().map_err(usage)? {
        match arg {
            Arg::Long("auth-service") => auth = Some(parser.value().map_err(usage)?.into()),
            Arg::Long("resource-service") => resource = Some(parser.value().map_err(usage)?.into()),
            Arg::Long("store") => store = Some(parser.value().map_err(usage)?),
            Arg::Long("rounds") => rounds = number(&mut parser)?,
            Arg::Long("seconds") => seconds = number(&mut parser)?,
            Arg::Long("out") => out = Some(parser.value().map_err(usage)?.into()),
            other => return Err(usage(other.unexpected())),
        }
    }
    let needed = |name: &str| Failure::Usage(format!("{name} is needed"));
    Ok(Options {
        programs: Programs {
            auth: auth.ok_or_else(|| needed("--auth-service"))?,
            resource: resource.ok_or_else(|| needed("--resource-service"))?,
        },
        store: named(&store.ok_or_else(|| needed("--store"))?)?,
        rounds,
        phase: Duration::from_secs(seconds.into()),
        out,
    })
}

fn gateway_options(mut parser: Parser) -> Result<GatewayOptions, Failure> {
    let (mut auth, mut resource, mut nginx, mut envoy, mut root, mut out) = (None, None, None, None, None, None);
    let (mut rounds, mut seconds) = (5, 10);
    while let Some(arg) = parser.next().map_err(usage)? {
        let path = match arg {
            Arg::Long("auth-service") => &mut auth,
            Arg::Long("resource-service") => &mut resource,
            Arg::Long("nginx") => &mut nginx,
            Arg::Long("envoy") => &mut envoy,
            Arg::Long("root") => &mut root,
            Arg::Long("out") => &mut out,
            Arg::Long("rounds") => {
                rounds = number(&mut parser)?;
                continue;
            }
            Arg::Long("seconds") => {
                seconds = number(&mut parser)?;
                continue;
            }
            other => return Err(usage(other.unexpected())),
        };
        *path = Some(PathBuf::from(parser.value().map_err(usage)?));
    }
    let needed = |path: Option<PathBuf>, name: &str| path.ok_or_else(|| Failure::Usage(format!("{name} is needed")));
    Ok(GatewayOptions {
        programs: Programs { auth: needed(auth, "--auth-service")?, resource: needed(resource, "--resource-service")? },
        nginx: needed(nginx, "--nginx")?,
        envoy: needed(envoy, "--envoy")?,
        root: needed(root, "--root")?,
        rounds,
        phase: Duration::from_secs(seconds.into()),
        out,
    })
}

fn named(store: &OsString) -> Result<Store, Failure> {
    let variable = |name: &str| env::var(name).map_err(|error| Failure::Usage(format!("{name}: {error}")));
    match store.to_str() {
        Some("sqlite") => Ok(Store::Sqlite),
        Some("redis") => Ok(Store::Redis { redis: variable(REDIS_URL)?, postgres: variable(POSTGRES_URL)? }),
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

    fn parsed(line: &str) -> Result<Benchmark, Failure> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn unless_told_otherwise_there_are_five_rounds_of_ten_seconds() {
        let line = "flood --auth-service /a --resource-service /r --store sqlite";
        let Benchmark::Flood(options) = parsed(line).unwrap() else { panic!("{line}") };
        assert_eq!((options.rounds, options.phase, options.out), (5, Duration::from_secs(10), None));
        assert_eq!((options.programs.auth, options.store.name()), (PathBuf::from("/a"), "sqlite"));
    }

    #[test]
    fn gateways_are_compared_in_as_many_rounds() {
        let line = "gateways --auth-service /a --resource-service /r --nginx /n --envoy /e --root /l --seconds 3";
        let Benchmark::Gateways(options) = parsed(line).unwrap() else { panic!("{line}") };
        assert_eq!((options.rounds, options.phase), (5, Duration::from_secs(3)));
        assert_eq!((options.nginx, options.envoy, options.root), ("/n".into(), "/e".into(), "/l".into()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "",
            "gateways --auth-service /a --resource-service /r --nginx /n --envoy /e",
            "drought",
            "flood --store sqlite",
            "flood --auth-service /a --resource-service /r --store disk",
            "flood --auth-service /a --resource-service /r --store sqlite --rounds 0",
        ] {
            assert!(matches!(parsed(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
