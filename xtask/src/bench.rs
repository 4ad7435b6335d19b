//! `cargo xtask bench`: builds what is released and the driver, starts the stores, and lets the driver measure.

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::arguments::{Flood, Store};
use crate::binaries::{self, Binaries};
use crate::foreground::run_to_its_end;
use crate::say;
use crate::settings::Service;
use crate::stop_request::StopRequest;
use crate::test_servers::{self, TestServer};
use crate::tools::{self, POSTGRES, REDIS};

const DRIVER: &str = "bench";

pub fn run(root: &Path, flood: &Flood) -> Result<(), Failure> {
    let needs_servers = flood.stores.contains(&Store::Redis);
    let servers: &[_] = if needs_servers { &[&REDIS, &POSTGRES] } else { &[] };
    say::step("Looking for what the benchmark needs", || tools::ensure(&[&tools::TO_BUILD[..], servers].concat()))?;
    let binaries = say::step("Building the services as they are released", || Binaries::build_release(root))?;
    let driver = say::step("Building the driver", || binaries::build_release_of(root, DRIVER))?;
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
    command.arg("--auth-service").arg(binaries.of(Service::Auth));
    command.arg("--resource-service").arg(binaries.of(Service::Resource));
    command.args(["--rounds", &flood.rounds.to_string(), "--seconds", &flood.seconds.to_string()]);
    if let Some(out) = &flood.out {
        command.arg("--out").arg(out);
    }
    if let Some([redis, postgres]) = servers {
        // Not as arguments: every user of the machine can read command lines.
        command.env("LATCHKEY_BENCH_REDIS_URL", &redis.url).env("LATCHKEY_BENCH_POSTGRES_URL", &postgres.url);
    }
    command
}
