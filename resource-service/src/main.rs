//! The resource-service as a program. `resource-service --help` tells what it does.

use clap::Parser;
use resource_service::cli::{self, Cli};

fn main() {
    let code = match cli::run(&Cli::parse()) {
        Ok(()) => 0,
        Err(failure) => failure.report(),
    };
    // Without exit handlers: OpenSSL's would take away what a thread of the pool that is just connecting to Postgres uses.
    // Nothing else needs one; what was printed or logged has been written by the line.
    signal_hook::low_level::exit(code)
}
