//! `cargo xtask bench`: builds what is released and the driver, starts the stores, and lets the driver measure.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::arguments::{Benchmark, BenchmarkName, Store};
use crate::binaries::{self, Binaries};
use crate::foreground::run_to_its_end;
use crate::peers;
use crate::say;
use crate::settings::Service;
use crate::stop_request::StopRequest;
use crate::test_servers::{self, TestServer};
use crate::tools::{self, NGINX, POSTGRES, PYTHON, REDIS};

const DRIVER: &str = "bench";
const FLOOR: &str = "floor";

/// A program, and the name that the driver knows it by.
type Named = (&'static str, PathBuf);

pub fn run(root: &Path, benchmark: &Benchmark) -> Result<(), Failure> {
    let name = benchmark.name;
    if name == BenchmarkName::Report {
        let [driver] = say::step("Building the driver", || binaries::build_release_of(root, DRIVER, [DRIVER]))?;
        let stop = StopRequest::watch()?;
        let command = command(root, benchmark, &[(DRIVER, driver)], None, None);
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
        let servers = if needs_servers && *store != Some(Store::Sqlite) { Some(servers(&stop)?) } else { None };
        let command = command(root, benchmark, &programs, *store, servers.as_ref());
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
fn servers(stop: &StopRequest) -> Result<[TestServer; 2], Failure> {
    let (redis, postgres) = (REDIS.find_or_install()?, POSTGRES.find_or_install()?);
    Ok([
        say::step("Starting a private Redis", || test_servers::redis(&redis, stop))?,
        say::step("Starting a private PostgreSQL", || test_servers::postgres(&postgres, stop))?,
    ])
}

fn command(
    root: &Path,
    benchmark: &Benchmark,
    programs: &[Named],
    store: Option<Store>,
    servers: Option<&[TestServer; 2]>,
) -> Command {
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
    if let Some([redis, postgres]) = servers {
        // Not as arguments: every user of the machine can read command lines.
        command.env("LATCHKEY_BENCH_REDIS_URL", &redis.url).env("LATCHKEY_BENCH_POSTGRES_URL", &postgres.url);
    }
    command
}
