//! The resource-service as a program. `resource-service --help` tells what it does.

use std::process::ExitCode;

use clap::Parser;
use resource_service::cli::{self, Cli};

fn main() -> ExitCode {
    match cli::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
