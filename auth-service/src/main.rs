//! The auth-service as a program. `auth-service --help` tells what it does.

use std::process::ExitCode;

use auth_service::cli::{self, Cli};
use clap::Parser;

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
