//! Drives the services as they are released, and measures them. `cargo xtask bench` builds everything and runs this.

mod accounts;
mod arguments;
mod capacity;
mod chart;
mod clients;
mod connection;
mod contest;
mod echo;
mod failure;
mod finding;
mod flood;
mod floor;
mod footprint;
mod gateway;
mod gateways;
mod growth;
mod guard;
mod load;
mod login;
mod logs;
mod machine;
mod memory;
mod pace;
mod peers;
mod processor_time;
mod processors;
mod redis_alone;
mod refresh;
mod report;
mod results;
mod rounds;
mod say;
mod sessions;
mod spinners;
mod stack;
mod stop_request;
mod table;

use std::{env, process::ExitCode};

use arguments::{Benchmark, Options};
use failure::Failure;

fn main() -> ExitCode {
    match arguments::parse(env::args_os().skip(1)).and_then(|(benchmark, options)| run(benchmark, &options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Failure::Other(_) = failure {
                say::complaints(&logs::complaints());
            }
            say::failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn run(benchmark: Benchmark, options: &Options) -> Result<(), Failure> {
    match benchmark {
        Benchmark::Flood => rounds::run(options),
        Benchmark::Gateways => gateways::run(options),
        Benchmark::Guard => guard::run(options),
        Benchmark::Refresh => refresh::run(options),
        Benchmark::Report => results::write(&options.root),
        Benchmark::Login => login::run(options),
        Benchmark::Growth => growth::run(options),
        Benchmark::Footprint => footprint::run(options),
    }
}
