//! The floor: a program of this crate that answers as the services do, with less or nothing of what Latchkey adds.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::failure::Failure;

/// The program, running. It ends with this.
#[derive(Debug)]
pub struct Floor {
    child: Child,
    _input: Option<ChildStdin>,
    addresses: BTreeMap<String, SocketAddr>,
}

impl Floor {
    /// Waits until it listens.
    pub fn start(program: &Path, args: &[&str], redis_url: Option<&str>) -> Result<Self, Failure> {
        let failed = || Failure::during("The floor cannot be started");
        let mut command = Command::new(program);
        command.args(args).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.envs(redis_url.map(|url| ("REDIS_URL", url)));
        let mut child = command.spawn().map_err(failed())?;
        let input = child.stdin.take();
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(failed())?;
        }
        let mut floor = Self { child, _input: input, addresses: BTreeMap::new() };
        floor.addresses =
            serde_json::from_str(&line).map_err(|_| Failure::Other("The floor says no address.".to_owned()))?;
        Ok(floor)
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where one of its servers listens.
    pub fn address(&self, name: &str) -> Result<SocketAddr, Failure> {
        self.addresses.get(name).copied().ok_or_else(|| Failure::Other(format!("The floor has no server {name:?}.")))
    }

    /// The names of its servers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.addresses.keys().map(String::as_str)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // Nothing of it is needed any more, so nothing has to be finished.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
