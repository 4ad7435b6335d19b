//! The tasks of this workspace: `cargo xtask help` lists them.

mod arguments;
mod bench;
mod binaries;
mod cargo_deny;
mod child_server;
mod down;
mod e2e;
mod env_file;
mod failure;
mod foreground;
mod greeting;
mod help;
mod http;
mod instance;
mod legacy_app;
mod lint;
mod lock;
mod nginx;
mod packages;
mod peers;
mod port_owner;
mod ports;
mod process;
mod project;
mod redis_cluster;
mod redis_command;
mod say;
mod secrets;
mod services;
mod settings;
mod stop_request;
mod test;
mod test_servers;
mod tools;
mod up;

use std::env;
use std::process::ExitCode;

use arguments::Task;
use failure::Failure;

fn main() -> ExitCode {
    match arguments::parse(env::args_os().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    let root = project::root()?;
    match task {
        Task::Help(text) => {
            say::line(text.trim_end());
            Ok(())
        }
        Task::Up(options) => up::run(&root, &options),
        Task::Down { gateway_port } => down::run(&root, gateway_port),
        Task::Test { runner_args } => test::run(&root, &runner_args),
        Task::Lint => lint::run(&root),
        Task::E2e { args } => e2e::run(&root, &args),
        Task::Bench(benchmark) => bench::run(&root, &benchmark),
    }
}
