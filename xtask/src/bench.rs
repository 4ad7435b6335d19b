//! `cargo xtask bench`: builds what is released and the driver, starts the stores, and lets the driver measure.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::arguments::{Benchmark, BenchmarkName, Store};
use crate::binaries::{self, Binaries};
use crate::foreground::run_to_its_end;
use crate::peers;
use crate::redis_cluster;
use crate::say;
use crate::settings::Service;
use crate::stop_request::StopRequest;
use crate::test_servers::{self, TestServer};
use crate::tools::{self, NGINX, POSTGRES, PYTHON, REDIS};

const DRIVER: &str = "bench";
const FLOOR: &str = "floor";

/// A program, and the name that the driver knows it by.
type Named = (&'static str, PathBuf);

/// A store, and the variable in which the driver finds its URL. Not an argument: every user of the machine can read command
/// lines.
type Given = (&'static str, TestServer);

const REDIS_URL: &str = "LATCHKEY_BENCH_REDIS_URL";
const REDIS_CLUSTER_URL: &str = "LATCHKEY_BENCH_REDIS_CLUSTER_URL";
const POSTGRES_URL: &str = "LATCHKEY_BENCH_POSTGRES_URL";

pub fn run(root: &Path, benchmark: &Benchmark) -> Result<(), Failure> {
    let name = benchmark.name;
    if name == BenchmarkName::Report {
        let [driver] = say::step("Building the driver", || binaries::build_release_of(root, DRIVER, [DRIVER]))?;
        let stop = StopRequest::watch()?;
        let command = command(root, benchmark, &[(DRIVER, driver)], None, &[]);
        return run_to_its_end("The driver", "Nothing was written", command, &stop);
    }
    let needs_servers = match name {
        BenchmarkName::Flood(store) => store != Some(Store::Sqlite),
        BenchmarkName::Refresh | BenchmarkName::Login | BenchmarkName::Growth(_) => true,
        BenchmarkName::Gateways | BenchmarkName::Guard | BenchmarkName::Footprint | BenchmarkName::Report => false,
    };
    let mut programs = say::step("Looking for what the benchmark needs", || {
        tools::ensure(&tools::TO_BUILD)?;
        if needs_servers {
            tools::ensure(&[&REDIS, &POSTGRES])?;
        }
        others(root, name)
    })?;
    programs.extend(build(root)?);
    let stop = StopRequest::watch()?;
    let stores: &[Option<Store>] = match name {
        BenchmarkName::Flood(None) => &Store::ALL.map(Some),
        BenchmarkName::Flood(store) => &[store],
        _ => &[None],
    };
    for store in stores {
        let servers = if needs_servers && *store != Some(Store::Sqlite) { servers(name, &stop)? } else { Vec::new() };
        let command = command(root, benchmark, &programs, *store, &servers);
        let on = store.map_or_else(String::new, |store| format!(" on {}", store.name()));
        say::step(&format!("Measuring: {}{on}", name.word()), || {
            run_to_its_end("The driver", "Nothing was measured", command, &stop)
        })?;
    }
    Ok(())
}

/// What is not ours.
fn others(root: &Path, name: BenchmarkName) -> Result<Vec<Named>, Failure> {
    match name {
        BenchmarkName::Gateways => {
            tools::ensure(&[&NGINX, &PYTHON])?;
            let envoy = peers::find_or_install_envoy(root, &PYTHON.find_or_install()?)?;
            Ok(vec![("nginx", NGINX.find_or_install()?), ("envoy", envoy)])
        }
        BenchmarkName::Guard | BenchmarkName::Refresh => {
            tools::ensure(&[&PYTHON])?;
            peers::find_or_install_compared(root, &PYTHON.find_or_install()?)
        }
        BenchmarkName::Flood(_)
        | BenchmarkName::Login
        | BenchmarkName::Growth(_)
        | BenchmarkName::Footprint
        | BenchmarkName::Report => Ok(Vec::new()),
    }
}

fn build(root: &Path) -> Result<Vec<Named>, Failure> {
    let binaries = say::step("Building the services as they are released", || Binaries::build_release(root))?;
    let [driver, floor] =
        say::step("Building the driver", || binaries::build_release_of(root, DRIVER, [DRIVER, FLOOR]))?;
    let service = |service: Service| (service.name(), binaries.of(service).to_path_buf());
    Ok(vec![service(Service::Auth), service(Service::Resource), (DRIVER, driver), (FLOOR, floor)])
}

/// Redis for sessions, Postgres for users.
fn servers(name: BenchmarkName, stop: &StopRequest) -> Result<Vec<Given>, Failure> {
    let (redis, postgres) = (REDIS.find_or_install()?, POSTGRES.find_or_install()?);
    let mut servers = vec![
        (REDIS_URL, say::step("Starting a private Redis", || test_servers::redis(&redis, stop))?),
        (POSTGRES_URL, say::step("Starting a private PostgreSQL", || test_servers::postgres(&postgres, stop))?),
    ];
    if name == BenchmarkName::Refresh {
        let cluster = say::step("Starting a private Redis Cluster", || redis_cluster::start(&redis, stop))?;
        servers.push((REDIS_CLUSTER_URL, cluster));
    }
    Ok(servers)
}

fn command(root: &Path, benchmark: &Benchmark, programs: &[Named], store: Option<Store>, servers: &[Given]) -> Command {
    let driver = programs.iter().find(|(name, _)| *name == DRIVER).map(|(_, path)| path.as_path());
    let mut command = Command::new(driver.unwrap_or(Path::new(DRIVER)));
    command.arg(benchmark.name.word()).arg("--root").arg(root);
    for (name, path) in programs {
        command.arg("--program").arg(format!("{name}={}", path.display()));
    }
    command.args(["--rounds", &benchmark.rounds.to_string(), "--seconds", &benchmark.seconds.to_string()]);
    if let Some(out) = &benchmark.out {
        command.arg("--out").arg(out);
    }
    if let Some(store) = store {
        command.args(["--store", store.name()]);
    }
    if let BenchmarkName::Growth(Some(most)) = benchmark.name {
        command.args(["--most", &most.to_string()]);
    }
    command.envs(servers.iter().map(|(variable, server)| (variable, &server.url)));
    command
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{REDIS_CLUSTER_URL, command};
    use crate::arguments::{Benchmark, BenchmarkName};
    use crate::test_servers::TestServer;

    #[test]
    fn the_driver_learns_the_size_by_argument_and_the_stores_by_its_environment() {
        let benchmark = Benchmark { name: BenchmarkName::Growth(Some(10_000)), rounds: 1, seconds: 2, out: None };
        let server = TestServer::new("redis+cluster://:secret@127.0.0.1:1".to_owned(), Vec::new());
        let command = command(Path::new("/l"), &benchmark, &[], None, &[(REDIS_CLUSTER_URL, server)]);
        let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        assert_eq!(arguments.join(" "), "growth --root /l --rounds 1 --seconds 2 --most 10000");
        let variables: Vec<_> = command.get_envs().filter_map(|(name, value)| Some((name, value?))).collect();
        let url = OsStr::new("redis+cluster://:secret@127.0.0.1:1");
        assert_eq!(variables, [(OsStr::new(REDIS_CLUSTER_URL), url)]);
    }
}
