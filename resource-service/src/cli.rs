//! The commands. Settings come from the environment; see `.env.example`.

use std::{env, ffi::OsString, io, sync::Arc};

use clap::{Parser, Subcommand};
use common::{env::SettingErrors, server::Signals, sql::MigrateError, telemetry::healthcheck::is_ready};
use tokio::runtime;

use crate::{
    app::{App, StartError},
    config::{self, Config},
    ports::{SystemClock, SystemRng},
    storage::sql::SCHEMA,
};

/// Keeps notes for the users of Latchkey.
///
/// Settings come from environment variables; `.env.example` lists them. Exit codes: 0 done, 1 failed, 2 wrong usage,
/// 64 wrong settings.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C
    Serve,
    /// Bring the database up to date and exit
    Migrate,
    /// Ask the service on this machine whether it is ready; exit code 0 or 1
    Healthcheck,
}

/// Does what the command line says.
pub fn run(cli: &Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve => runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve()),
        Command::Migrate => migrate(),
        Command::Healthcheck => healthcheck(),
    }
}

/// All settings are read before anything is opened.
async fn serve() -> Result<(), Failure> {
    let config = Config::read(variables())?;
    config::start_log(variables())?;
    let signals = Signals::take()?;
    let app = App::start(&config, Arc::new(SystemClock), Arc::new(SystemRng)).await?;
    Ok(app.until(signals).await?)
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn migrate() -> Result<(), Failure> {
    let applied = SCHEMA.migrate(&config::database(variables())?)?;
    if applied.is_empty() {
        println!("The database is up to date.");
    }
    for version in applied {
        println!("Applied {version}");
    }
    Ok(())
}

fn healthcheck() -> Result<(), Failure> {
    if is_ready(config::internal_bind(variables())?)? { Ok(()) } else { Err(Failure::NotReady) }
}

/// Not `env::vars`, which panics when any variable of the process is not UTF-8.
fn variables() -> impl Iterator<Item = (OsString, OsString)> {
    env::vars_os()
}

/// Wrong settings, as in sysexits.h (`EX_USAGE`).
const WRONG_SETTINGS: i32 = 64;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// One line a variable.
    #[error("{0}")]
    Settings(#[from] SettingErrors),
    /// The service could not start.
    #[error("{0}\n")]
    Start(#[from] StartError),
    /// The database could not be migrated.
    #[error("{0}\n")]
    Migrate(#[from] MigrateError),
    /// The system did not do its part.
    #[error("{0}\n")]
    Io(#[from] io::Error),
    /// The service is not ready.
    #[error("not ready\n")]
    NotReady,
}

impl Failure {
    /// Says why, on standard error, and returns the exit code.
    #[expect(clippy::print_stderr, reason = "this is the program's last word")]
    #[must_use]
    pub fn report(&self) -> i32 {
        eprint!("{self}");
        match self {
            Self::Settings(_) => WRONG_SETTINGS,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
