//! `cargo xtask bench`: builds what is released and the driver, starts the stores, and lets the driver measure.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::arguments::{Benchmark, Flood, Gateways, Store};
use crate::binaries::{self, Binaries};
use crate::foreground::run_to_its_end;
use crate::peers;
use crate::say;
use crate::settings::Service;
use crate::stop_request::StopRequest;
use crate::test_servers::{self, TestServer};
use crate::tools::{self, NGINX, POSTGRES, PYTHON, REDIS};

const DRIVER: &str = "bench";

pub fn run(root: &Path, benchmark: &Benchmark) -> Result<(), Failure> {
    match benchmark {
        Benchmark::Flood(flood) => measure_flood(root, flood),
        Benchmark::Gateways(gateways) => measure_gateways(root, gateways),
    }
}

fn measure_gateways(root: &Path, gateways: &Gateways) -> Result<(), Failure> {
    let (nginx, envoy) = say::step("Looking for what the benchmark needs", || {
        tools::ensure(&[&tools::TO_BUILD[..], &[&NGINX, &PYTHON]].concat())?;
        Ok((NGINX.find_or_install()?, peers::find_or_install_envoy(root, &PYTHON.find_or_install()?)?))
    })?;
    let (binaries, driver) = build(root)?;
    let stop = StopRequest::watch()?;
    let mut command = Command::new(&driver);
    command.arg("gateways").arg("--nginx").arg(nginx).arg("--envoy").arg(envoy).arg("--root").arg(root);
    add_common(&mut command, &binaries, gateways.rounds, gateways.seconds, gateways.out.as_deref());
    say::step("Measuring what the gateways cost", || {
        run_to_its_end("The driver", "Nothing was measured", command, &stop)
    })
}

fn build(root: &Path) -> Result<(Binaries, PathBuf), Failure> {
    let binaries = say::step("Building the services as they are released", || Binaries::build_release(root))?;
    let driver = say::step("Building the driver", || binaries::build_release_of(root, DRIVER))?;
    Ok((binaries, driver))
}

/// What every benchmark is told.
fn add_common(command: &mut Command, binaries: &Binaries, rounds: u32, seconds: u32, out: Option<&Path>) {
    command.arg("--auth-service").arg(binaries.of(Service::Auth));
    command.arg("--resource-service").arg(binaries.of(Service::Resource));
    command.args(["--rounds", &rounds.to_string(), "--seconds", &seconds.to_string()]);
    if let Some(out) = out {
        command.arg("--out").arg(out);
    }
}

fn measure_flood(root: &Path, flood: &Flood) -> Result<(), Failure> {
    let needs_servers = flood.stores.contains(&Store::Redis);
    let servers: &[_] = if needs_servers { &[&REDIS, &POSTGRES] } else { &[] };
    say::step("Looking for what the benchmark needs", || tools::ensure(&[&tools::TO_BUILD[..], servers].concat()))?;
    let (binaries, driver) = build(root)?;
    let stop = StopRequest::watch()?;
    for store in &flood.stores {
        let servers = match store {
            Store::Sqlite => None,
            Store::Redis => Some(servers_of_redis(&stop)?),
        };
        let command = command(&driver, &binaries, flood, *store, servers.as_ref());
        say::step(&format!("Measuring a flood of logins on {}", store.name()), || {
            run_to_its_end("The driver", "Nothing was measured", command, &stop)
        })?;
    }
    Ok(())
}

/// Redis for the sessions, Postgres for the users.
fn servers_of_redis(stop: &StopRequest) -> Result<[TestServer; 2], Failure> {
    let (redis, postgres) = (REDIS.find_or_install()?, POSTGRES.find_or_install()?);
    Ok([
        say::step("Starting a private Redis", || test_servers::redis(&redis, stop))?,
        say::step("Starting a private PostgreSQL", || test_servers::postgres(&postgres, stop))?,
    ])
}

fn command(
    driver: &Path,
    binaries: &Binaries,
    flood: &Flood,
    store: Store,
    servers: Option<&[TestServer; 2]>,
) -> Command {
    let mut command = Command::new(driver);
    command.arg("flood").args(["--store", store.name()]);
    add_common(&mut command, binaries, flood.rounds, flood.seconds, flood.out.as_deref());
    if let Some([redis, postgres]) = servers {
        // Not as arguments: every user of the machine can read command lines.
        command.env("LATCHKEY_BENCH_REDIS_URL", &redis.url).env("LATCHKEY_BENCH_POSTGRES_URL", &postgres.url);
    }
    command
}
