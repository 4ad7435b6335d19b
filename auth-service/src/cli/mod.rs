//! The commands. Settings come from the environment; see `.env.example`.

mod audit;
pub mod check;
mod client;
mod failure;
mod import;
mod input;
mod key;
mod output;
mod serve;
mod session;
mod user;

use std::{env, ffi::OsString};

use clap::{Parser, Subcommand};
use tokio::runtime;

pub use failure::Failure;

use crate::{config, storage::sql::SCHEMA};

/// Checks passwords, issues access and refresh tokens, and keeps the refresh sessions.
///
/// Settings come from environment variables; `.env.example` lists them. Exit codes: 0 done, 1 failed, 2 wrong usage,
/// 64 wrong settings, 75 a store is away (`check`).
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
    /// Look for what is wrong with settings, stores and proxy, and say the remedy; exit code 0, 1, or 75 to try again
    Check(check::CheckArgs),
    /// Ask the service on this machine whether it is ready; exit code 0 or 1
    Healthcheck,
    /// Add, list and change users
    #[command(subcommand)]
    User(user::UserCommand),
    /// End sessions
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Show what happened that matters to security, the newest first
    Audit(audit::AuditArgs),
    /// Add, list and change the services that may ask for tokens of their own
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// List, rotate and retire the keys that sign access tokens
    #[command(subcommand)]
    Key(key::KeyCommand),
}

/// Does what the command line says.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve => runtime()?.block_on(serve::serve()),
        Command::Migrate => migrate(),
        Command::Check(args) => runtime()?.block_on(check::run(args)),
        Command::Healthcheck => serve::healthcheck(),
        Command::Session(command) => runtime()?.block_on(session::run(command)),
        Command::Audit(args) => runtime()?.block_on(audit::run(args)),
        Command::User(command) => runtime()?.block_on(user::run(command)),
        Command::Client(command) => runtime()?.block_on(client::run(command)),
        Command::Key(command) => runtime()?.block_on(key::run(command)),
    }
}

fn runtime() -> Result<runtime::Runtime, Failure> {
    Ok(runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Not `env::vars`, which panics when any variable of the process is not UTF-8.
fn variables() -> impl Iterator<Item = (OsString, OsString)> {
    env::vars_os()
}

fn migrate() -> Result<(), Failure> {
    let applied = SCHEMA.migrate(&config::database(variables())?)?;
    if applied.is_empty() {
        output::line("The database is up to date.");
    }
    for version in applied {
        output::line(&format!("Applied {version}"));
    }
    Ok(())
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
