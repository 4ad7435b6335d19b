//! The binary as a process: output and exit codes.

use std::{
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
};

use common::{
    clock::{Clock, SystemClock},
    testing::{TestToken, lines_of},
};
use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{
    database::{Kind::Sqlite, TestDatabase},
    service::{ADA, AUDIENCE, ISSUER, JWT_SECRET, Variables, least_variables, secret},
};

fn program(arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_resource-service"));
    program.args(arguments).env_clear();
    program
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    program(arguments).envs(variables.iter().copied()).output().unwrap()
}

/// `serve` as a process. It does not outlive the test.
struct Served {
    process: Child,
    log: mpsc::Receiver<String>,
}

impl Served {
    fn start(variables: Variables) -> Self {
        let mut process = program(&["serve"]).envs(variables).stdout(Stdio::piped()).spawn().unwrap();
        let log = lines_of(process.stdout.take().unwrap());
        Self { process, log }
    }

    /// The log line that says `message`.
    fn said(&mut self, message: &str) -> Value {
        let mut lines = self.log.iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
        lines.find(|line| line["message"] == message).unwrap_or_else(|| panic!("it ended without saying {message}"))
    }

    /// Asks it to end; what it logged since, and how it ended.
    fn terminate(&mut self) -> (String, ExitStatus) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        let log: Vec<_> = self.log.iter().collect();
        (log.join("\n"), self.process.wait().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn wrong_settings_end_with_64_and_a_line_for_each() {
    let output = run(&["serve"], &[("RESOURCE_MIGRATE", "perhaps")]);
    assert_eq!(output.status.code(), Some(64));
    assert_snapshot!(text(&output.stderr), @"
    JWT_SECRET is not set
    RESOURCE_DATABASE_URL is not set
    RESOURCE_MIGRATE must be true or false
    ");
}

#[test]
fn a_wrong_command_ends_with_2() {
    assert_eq!(run(&["server"], &[]).status.code(), Some(2));
}

#[test]
fn migrating_twice_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("notes.db").display());
    let migrate = || run(&["migrate"], &[("RESOURCE_DATABASE_URL", &url)]);
    assert_eq!(text(&migrate().stdout), "Applied 0001\nApplied 0002\nApplied 0003\n");
    assert_eq!(text(&migrate().stdout), "The database is up to date.\n");
}

#[tokio::test]
async fn it_serves_until_sigterm_and_logs_no_secret() {
    let database = TestDatabase::empty(Sqlite);
    let mut served = Served::start(least_variables(database.url()));
    let listening = served.said("listening");
    let internal = listening["internal"].as_str().unwrap();
    assert_eq!(run(&["healthcheck"], &[("RESOURCE_INTERNAL_BIND", internal)]).status.code(), Some(0));

    let token = TestToken::new(&secret(JWT_SECRET), ISSUER, AUDIENCE, ADA, SystemClock.now()).sign();
    let address = format!("http://{}/api/whoami", listening["public"].as_str().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = client.get(address).bearer_auth(&token).header("traceparent", traceparent);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let span = served.said("answered")["span"].take();
    assert_eq!(span["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{span}");
    assert_eq!(span["parent_span_id"], "00f067aa0ba902b7", "{span}");
    assert!(span["span_id"].as_str().is_some_and(|id| id.len() == 16 && id != "00f067aa0ba902b7"), "{span}");

    let (log, status) = served.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!log.contains(&token) && !log.contains(JWT_SECRET), "{log}");
}

#[test]
fn nobody_at_the_other_end_is_not_healthy() {
    // Nothing can listen on port 0.
    let output = run(&["healthcheck"], &[("RESOURCE_INTERNAL_BIND", "127.0.0.1:0")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}

#[test]
fn the_help_is_as_it_was_agreed() {
    assert_snapshot!(text(&run(&["--help"], &[]).stdout), @"
    Keeps notes for the users of Latchkey.

    Settings come from environment variables; `.env.example` lists them. Exit codes: 0 done, 1 failed, 2 wrong usage, 64 wrong settings.

    Usage: resource-service <COMMAND>

    Commands:
      serve        Serve until SIGTERM or Ctrl-C
      migrate      Bring the database up to date and exit
      healthcheck  Ask the service on this machine whether it is ready; exit code 0 or 1
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}
