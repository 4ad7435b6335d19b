//! The binary as a process: its commands, its log, and how it ends.

mod check;
mod commands;
mod import;
mod keys;
mod log;
mod shutdown;
mod traces;

use std::{
    io::Write,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
};

use common::testing::lines_of;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::service::{Variables, least_variables, set};

const BINARY: &str = env!("CARGO_BIN_EXE_auth-service");

/// The binary with these settings and no others.
fn command(variables: &Variables) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

pub fn run(variables: &Variables, arguments: &[&str], input: &str) -> Output {
    let mut child = command(variables)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended by now.
    let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `auth-service serve`, ended with the test.
pub struct Served {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
    pub public: String,
    internal: String,
}

impl Served {
    pub fn start(settings: &[(&str, &str)], database_url: &str) -> Self {
        let mut variables = least_variables(database_url);
        for (name, value) in settings {
            set(&mut variables, name, *value);
        }
        let mut child = command(&variables).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let mut served = Self { child, lines, log: Vec::new(), public: String::new(), internal: String::new() };
        let listening = served.read_until("listening");
        let line: serde_json::Value = serde_json::from_str(&listening).unwrap();
        let address = |name: &str| format!("http://{}", line[name].as_str().unwrap());
        (served.public, served.internal) = (address("public"), address("internal"));
        served
    }

    fn read_until(&mut self, mark: &str) -> String {
        loop {
            let line = self.lines.recv().unwrap_or_else(|_| panic!("{mark} is not in {:#?}", self.log));
            self.log.push(line.clone());
            if line.contains(mark) {
                return line;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end and returns the whole log.
    pub fn ended(&mut self) -> String {
        self.log.extend(self.lines.iter());
        assert!(self.child.wait().unwrap().success());
        self.log.join("\n")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}
