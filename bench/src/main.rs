//! Drives the services as they are released, and measures them. `cargo xtask bench` builds everything and runs this.

mod accounts;
mod arguments;
mod capacity;
mod clients;
mod connection;
mod echo;
mod failure;
mod flood;
mod gateway;
mod gateways;
mod pace;
mod report;
mod rounds;
mod say;
mod spinners;
mod stack;
mod stop_request;

use std::{env, process::ExitCode};

use arguments::Benchmark;
use failure::Failure;

fn main() -> ExitCode {
    match arguments::parse(env::args_os().skip(1)).and_then(|benchmark| run(&benchmark)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn run(benchmark: &Benchmark) -> Result<(), Failure> {
    match benchmark {
        Benchmark::Flood(options) => rounds::run(options),
        Benchmark::Gateways(options) => gateways::run(options),
    }
}
